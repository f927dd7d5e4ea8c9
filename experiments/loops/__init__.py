"""Which feedback loops make a crash, switched on and off one by one."""
