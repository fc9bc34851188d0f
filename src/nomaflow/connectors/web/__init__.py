"""What HTTP connectors are made of: the egress guard, connections, sessions, answers."""
