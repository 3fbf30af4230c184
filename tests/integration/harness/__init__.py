"""What the integration tests stand on: a daemon of one's own, images made here, the two CLIs, a leak check."""
