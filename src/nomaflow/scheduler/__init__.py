"""DECIDE: turns due times into queued runs."""
