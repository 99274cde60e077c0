"""What the lists are called. It imports nothing: the command line reads it whatever is asked for."""

from typing import Literal

ListName = Literal["allow", "deny", "watch"]
