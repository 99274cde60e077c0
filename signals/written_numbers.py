"""Telephone numbers inside a text. Years, house numbers, roll numbers and registration numbers do not count.

``seen`` text (:func:`signals.writing_systems.seen`) is expected, so that full-width and circled digits are plain ones.
The library ``phonenumbers`` can look for numbers too, but wants to know the country, and takes milliseconds.
"""

from __future__ import annotations

import re

#: Fewer digits are no number anybody could call from anywhere.
_SEVEN_DIGITS = re.compile(r"(?:\d\D*){7}")
_GAP = r"[ \t.\-‐-―/()·]{0,3}"
#: Ways to write a number that are seldom anything else. E.164: 15 digits at most, after a plus sign.
_NUMBERS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w+])\(?\+\(?\d(?:{_GAP}\d){{7,14}}(?!\d)",
        # North America (NANP): 202 555 0123, (202) 555-0123, 1-800-555-0199.
        r"(?<![\d.,])(?:\+?1[ .\-]{1,2})?(?:\([2-9]\d{2}\)[ .\-]?|[2-9]\d{2}[ .\-])[2-9]\d{2}[ .\-]\d{4}(?!\d)",
        r"(?<!\d)1[ .\-]?8(?:00|33|44|55|66|77|88)[ .\-]\d{3}[ .\-]?\d{4}(?!\d)",
        # With the trunk prefix 0: 089/23125-301, 020 7946 0958, 0044 113 496 0123; France: 01 99 00 12 34.
        r"(?<![\d.,])\(?0\d{2,4}\)?(?=(?:\D{0,2}\d){6,11}(?!\D{0,2}\d))(?:[ ./\-]{1,2}\d{2,8}){1,4}(?!\d)",
        r"(?<!\d)0[1-9](?:[ .\-]\d{2}){4}(?!\d)",
        # An area in brackets: (11) 98765-0001.
        r"(?<!\d)\(\d{2,4}\) ?\d{3,5}[ .\-]\d{3,4}(?!\d)",
        # Mobile numbers of China and India in their groups: 138 0013 8000, 98765 43210.
        r"(?<!\d)1[3-9]\d[ \-]\d{4}[ \-]\d{4}(?!\d)",
        r"(?<!\d)[6-9]\d{4}[ \-]\d{5}(?!\d)",
        # Digit by digit: 8 0 0 5 5 5 0 1 9 9.
        r"(?<!\d)\d(?:[ .\-_*()]{1,2}\d){9,}(?!\d)",
    )
)
#: Words that ask for a call, and the messengers that are found by a number; then digits in whatever form.
_CALLED = re.compile(
    r"(?:(?<!\w)(?:call|dial|phone|telephone|tel|mobile|whats ?app|viber|zalo|hot ?line|help ?line|toll[ -]?free"
    r"|llam[ea]r?|tel[eé]fono|appelez|t[eé]l[eé]phone|anrufen|rufen|telefon|ligue|telefone|chiam[ai]|zadzwo[nń]|hubungi|g[oọ]i"
    r"|li[eê]n h[eệ]|(?:по)?звоните|тел|телефон|ватсап|вотсап|اتصل|هاتف|واتساب)(?!\w)"
    r"|电话|電話|致电|拨打|微信|客服|전화|[☎☏✆📞📱])"
    rf"[^\d]{{0,30}}?(\+?\d(?:{_GAP}\d){{6,14}})(?!\d)",
    re.IGNORECASE,
)
#: What stands before the number of a register, a tax office or a school.
_REGISTERED = re.compile(
    r"(?:vat|btw|tva|ust|iva|be|kbo|bce|abn|acn|ein|siret|siren|cnpj|cpf|nip|regon|krs|gst|gstin|cif|rut|cuit|инн|огрн"
    r"|roll|reg|regd|iso|isbn|issn|id|no|nr|#|号|號)\W{0,3}$",
    re.IGNORECASE,
)
_YEARS = re.compile(r"(?:(?:19|20)\d{2}\D*)+")


def has_phone_number(text: str) -> bool:
    """Whether somebody could be called at what ``text`` says. Half a microsecond where it has fewer than 7 digits."""
    if not _SEVEN_DIGITS.search(text):
        return False
    if any(not _YEARS.fullmatch(found[1]) for found in _CALLED.finditer(text)):
        return True
    return any(
        not _REGISTERED.search(text[max(0, found.start() - 12) : found.start()])
        for pattern in _NUMBERS
        for found in pattern.finditer(text)
    )
