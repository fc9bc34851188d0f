"""Live events over Socket.IO: what is stored, told as it happens."""
