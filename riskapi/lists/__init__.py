"""What people allow, deny and watch, whatever model and rules say."""
