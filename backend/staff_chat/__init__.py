"""Staff at work in a messenger: linked by a code, told who waits, answering in their role, apart from their own talk."""
