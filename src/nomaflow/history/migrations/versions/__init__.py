"""One file per schema version, numbered; a version that was released is never changed."""
