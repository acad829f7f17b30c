"""Where people meet `accounts`: signing in, one's own account, the team, an invitation."""
