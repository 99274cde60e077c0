"""Raw values of a signup, made facts."""
