"""One verification as a file to hand on, made of what its page shows.

contents  what it says, and what stays in the house;  fonts  which letters can be drawn
press     from that to a PDF, by the typesetter in a process of its own
"""
