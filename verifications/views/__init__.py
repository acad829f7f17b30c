"""Edge to people. A view asks one thing of the rooms below, shapes the answer, and stops."""
