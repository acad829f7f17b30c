"""Names by fragment, alike on both engines: keeping the index of words, finding by it, proof."""
