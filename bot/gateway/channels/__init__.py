"""Where residents write to us from, one module per messenger."""
