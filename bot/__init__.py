"""What talks to a resident: the engine understands and follows rules, the gateway carries messages."""
