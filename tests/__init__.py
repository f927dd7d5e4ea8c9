"""The tests mirror the three packages; beside them stand the checks of the house itself."""
