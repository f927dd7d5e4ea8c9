"""Questions that files of `experiments` answer by themselves: the command `crossmargin ask`."""
