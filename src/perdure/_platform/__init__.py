"""What Python and the system give, made plain: files, processes, signals, memory, names of modules, time and ids."""
