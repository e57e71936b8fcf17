"""What a city's monitoring asks: how busy the doors are, what waits and how long. Counts and seconds, nothing about anybody."""
