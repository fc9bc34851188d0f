"""MOVE: table copies between databases."""
