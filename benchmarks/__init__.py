"""What a turn costs, beside an assistant built of Rasa's defaults: ``linlitong bench turns``."""
