"""The commands of ``python -m riskapi``.

``program`` puts the command line together, ``panels`` declares the commands (words, help, examples, exit codes), and a
module for each command does it. Declaring imports nothing heavy: what a command needs is imported when it is called.
"""
