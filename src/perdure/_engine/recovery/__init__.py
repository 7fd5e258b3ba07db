"""Runs whose process is gone: how they are noticed, and resumed by another one."""
