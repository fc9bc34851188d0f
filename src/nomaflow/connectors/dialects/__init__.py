"""One file per database; nothing else in the code names one."""
