"""Text messages to phones, through a gateway that the city's IT runs in front of its provider. See docs/sms.md."""
