"""What the demo shows: invented partners, people and applicants, and drawn specimen photos."""
