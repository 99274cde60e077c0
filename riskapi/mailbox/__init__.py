"""The mailbox that a mail server delivers bounces and complaints to."""
