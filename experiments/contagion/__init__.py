"""Who pulled whom down, over several storms: the command `crossmargin contagion`."""
