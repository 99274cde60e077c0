"""Local parts that name a function or a throwaway purpose instead of a person."""

from __future__ import annotations

# fmt: off
#: RFC 2142 (all of it), then what companies commonly add: names that Google Workspace and Mailchimp document as role
#: addresses (support.google.com/a/answer/33311, mailchimp.com/help/limits-on-role-based-addresses), and translations.
ROLES: frozenset[str] = frozenset({
    "info", "marketing", "sales", "support", "abuse", "noc", "security", "postmaster", "hostmaster", "usenet", "news",
    "webmaster", "www", "uucp", "ftp",
    "admin", "administrator", "root", "contact", "contacts", "hello", "hi", "help", "helpdesk", "office", "team",
    "mail", "email", "billing", "accounts", "accounting", "finance", "invoice", "invoices", "orders", "order", "shop",
    "store", "service", "services", "customerservice", "customercare", "enquiries", "inquiries", "enquiry", "inquiry",
    "feedback", "hr", "jobs", "careers", "recruiting", "press", "media", "pr", "legal", "privacy", "compliance", "dpo",
    "it", "dev", "devnull", "devops", "ops", "sysadmin", "tech", "dns", "spam", "list", "newsletter", "subscribe",
    "unsubscribe", "everyone", "all", "staff", "reception", "booking", "bookings", "reservations", "events",
    "partners", "noreply", "no-reply", "donotreply", "do-not-reply", "mailer-daemon", "bounce", "bounces",
    "notifications", "alerts",
    "kontakt", "buchhaltung", "rechnung", "vertrieb", "verkauf", "empfang", "bestellung", "contacto", "ventas",
    "facturacion", "administracion", "reservas", "contato", "vendas", "direction", "compta", "comptabilite", "accueil",
    "contatti", "amministrazione", "ufficio", "biuro", "sekretariat", "zamowienia", "kancelaria", "otdel", "zakaz",
})

#: Words by which people and scripts mark an address as not meant to last. Matched as whole words of the local part.
THROWAWAY: frozenset[str] = frozenset({
    "test", "testing", "tester", "temp", "tmp", "temporary", "fake", "spam", "spammer", "trash", "junk", "burner",
    "throwaway", "disposable", "dummy", "asdf", "asdfgh", "qwerty", "foobar", "nobody", "noone", "wegwerf", "jetable",
})
# fmt: on
