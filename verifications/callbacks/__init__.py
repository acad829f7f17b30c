"""Edge to the provider: its dialect, what comes in, the pictures that it points to."""
