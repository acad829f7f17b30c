"""Edge to partners: what they are told, how it is signed, queued and delivered."""
