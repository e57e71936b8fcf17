"""The desk: residents who asked for a person, from the asking to the end, and how the desks did."""
