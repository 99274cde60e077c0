"""Sentences that are written into names so that an invitation or a greeting carries them to strangers.

Each speaks to a reader: it asks him to do something, or tells him what happened to *his* account, parcel or prize.
Single words (casino, bonus, crypto, won, gift) are names of people and firms and are no lure. Where they were seen:

- baserow/baserow#5659: "Your account has been blocked. Please complete verification again"
- magento/magento2#15031: "Please call us immediately … To get your bonus!!!", and the same in Russian
- redimp/otterwiki#235: "Click … for discount drugs"
- webguyio/stop-spammers#96: "meet Lauren and Bertha …"
- coinbase/cbpay-js#205: "Your balance: 1.3426 BTC"
- ourbigbook/ourbigbook#346: recovery of lost funds
- greasyfork-org/greasyfork#610: names in Chinese that sell invoices
- calconncet.com, "Paypal Invitation Scam": "a payment of $… has been approved", in the name of an account
- Kaspersky, January 2026, on invitations from OpenAI: a subscription that was renewed, a number to cancel the charge
- consumer.ftc.gov, "How to Recognize and Avoid Phishing Scams": trouble with an account or a payment, an invoice, a
  refund, a prize

The other languages say the same sentences; the translations are ours.
"""

from __future__ import annotations

#: Words of which a lure in Latin letters has one at least, and the sentences with them: regular expressions over text
#: in small letters without accents (:func:`signals.local_part.fold`), one space between words.
LATIN: tuple[tuple[str, tuple[str, ...]], ...] = (
    # English: what happened to the reader's account, parcel or money.
    (
        "blocked suspended limited restricted locked disabled deactivated hacked compromised expired expires failed"
        " declined terminated renewed charged pending hold waiting detained",
        (
            r"\b(?:your|ur) (?:\w+ ){0,2}(?:account|wallet|mailbox|e-?mail|payment|card|order|package|parcel|delivery"
            r"|shipment|subscription|profile|page)s? (?:\w+ ){0,3}(?:blocked|suspended|limited|restricted|locked"
            r"|disabled|deactivated|hacked|compromised|expired|expires|failed|declined|terminated|renewed|charged"
            r"|pending|on hold|waiting|detained)\b",
        ),
    ),
    (
        "verify confirm validate update unlock restore reactivate verification",
        (
            r"\b(?:verify|confirm|validate|update|unlock|restore|reactivate) (?:your|ur) (?:\w+ ){0,2}(?:account"
            r"|identity|wallet|payment|billing|mailbox|e-?mail|password|card|details|information)\b",
            r"\bcomplete (?:the |your )?verification\b",
        ),
    ),
    (
        "won winner congratulations congrats",
        (
            r"\b(?:you|u)(?: have|'ve| ve) (?:just |already )?won\b",
            r"\byou won (?:a |an |the |our |[$€£]?\d)",
            r"\byou(?: are|'re| re) (?:the |a |our |today's )?(?:lucky )?winner\b",
            r"\bcongrat(?:s|ulations)\b\W+(?:\w+\W+){0,4}(?:won|winner|selected|chosen|eligible)\b",
        ),
    ),
    (
        "claim collect receive withdraw redeem get eligible entitled",
        (
            r"\b(?:claim|collect|receive|withdraw|redeem) (?:your|ur) (?:\w+ ){0,2}(?:prize|reward|bonus|gift|money"
            r"|funds?|btc|bitcoins?|tokens?|airdrop|winnings|payout|jackpot|inheritance)\b",
            r"\bget (?:your|ur) (?:\w+ )?(?:prize|reward|bonus|btc|bitcoins?|airdrop|winnings|payout|jackpot)\b",
            r"\byou(?: are|'re| re) (?:eligible|entitled) (?:for|to)\b",
        ),
    ),
    (
        "bitcoin bitcoins btc eth usdt crypto airdrop balance iphone double",
        (
            r"\bfree (?:bitcoins?|btc|eth|usdt|crypto|iphone|airdrop)\b",
            r"\byour (?:\w+ )?balance\W{0,3}(?:is )?[$€£]?\d",
            r"\bdouble your (?:btc|bitcoins?|eth|usdt|crypto|money)\b",
            r"\d (?:btc|eth|usdt)\b.{0,40}\b(?:withdraw|claim|waiting|transfer|received|credited)",
            r"\b(?:withdraw|claim|transfer|received|credited)\b.{0,40}\d (?:btc|eth|usdt)\b",
        ),
    ),
    (
        "click",
        (
            r"\bclick (?:on )?(?:the |this |that )?(?:link|button|below)\b",
            r"\bclick here (?:to|for|and|now)\b",
            r"\bclick \S+ (?:to|for) (?:claim|get|verify|confirm|discount|free)\b",
        ),
    ),
    (
        "viagra cialis drugs pills",
        (r"\b(?:viagra|cialis)\b", r"\b(?:discount|cheap) (?:drugs|pills)\b"),
    ),
    (
        "recover lost stolen",
        (r"\brecover (?:your |my )?(?:lost|stolen|scammed) (?:funds?|money|crypto|bitcoins?|wallet|assets)\b",),
    ),
    (
        "invoice payment charge charged purchase transaction order subscription renewal debited billed authorize"
        " authorise authorized authorised make cancel dispute",
        (
            r"\binvoice (?:\S*\d\S* )?(?:is|was) (?:now )?(?:overdue|past due|unpaid)\b",
            r"\b(?:payment|charge|purchase|transaction|order|invoice|renewal|subscription)\b.{0,30}[$€£] ?\d.{0,30}"
            r"\b(?:approved|charged|processed|debited|renewed|completed|confirmed|deducted)\b",
            r"\b(?:charged|debited|billed) [$€£] ?\d",
            r"\b(?:did not|didn't|not) (?:authori[sz]ed?|make) (?:this|it|by)\b",
            r"\bto (?:cancel|dispute)\b.{0,30}\bcall\b|\bcall\b.{0,30}\bto (?:cancel|dispute)\b",
        ),
    ),
    ("call", (r"\bcall us (?:immediately|now|at once|asap)\b", r"\bcall immediately\b")),
    (
        "gift",
        (
            r"\bfree (?:\w+ )?gift ?cards?\b",
            r"[$€£] ?\d+ (?:\w+ ){0,2}gift ?card\b",
            r"\bgift ?cards? (?:worth|of) [$€£]?\d",
        ),
    ),
    ("spins casino deposit slot situs", (r"\bfree spins\b", r"\b(?:casino|no deposit) bonus\b", r"\bslot gacor\b")),
    (
        "meet sexy chat date",
        (
            r"\b(?:meet|chat with) (?:hot|sexy|local|single|lonely) (?:\w+ )?(?:girls|women|singles|ladies)\b",
            r"\bsexy (?:girls|women|singles|ladies)\b",
            r"\bwants? to (?:meet|chat with|date) you\b",
        ),
    ),
    (
        "approved selected preapproved",
        (
            r"\b(?:your )?loan (?:\w+ ){0,3}approved\b",
            r"\byou (?:are|have been|were|'re) (?:pre-?)?(?:approved|selected) (?:for|to)\b",
        ),
    ),
    # Spanish
    (
        "ganado ganador felicidades cuenta premio regalo bono recompensa clic pincha paquete",
        (
            r"\b(?:has|ha|usted ha) (?:sido )?(?:ganado|seleccionad[oa])\b",
            r"\b(?:tu|su) (?:cuenta|paquete|tarjeta|pago) (?:\w+ ){0,3}(?:bloquead|suspendid|limitad|retenid)",
            r"\b(?:verifi|confirm|actuali[cz])\w+ (?:su|tu) (?:cuenta|identidad|pago|tarjeta)\b",
            r"\b(?:reclam|cobr|recib|retir)\w+ (?:su|tu) (?:premio|regalo|bono|recompensa|dinero)\b",
            r"\b(?:haga|haz) clic\b|\bpincha aqui\b",
        ),
    ),
    # Portuguese
    (
        "ganhou parabens conta premio bonus recompensa clique pacote encomenda",
        (
            r"\bvoce (?:ganhou|foi selecionad[oa])\b",
            r"\b(?:sua|seu) (?:conta|pacote|encomenda|cartao|pagamento) (?:\w+ ){0,3}(?:bloquead|suspens|retid)",
            r"\b(?:verifique|confirme|atualize) (?:sua|seu) (?:conta|identidade|pagamento|cartao)\b",
            r"\b(?:resgate|receba|reclame) (?:seu|sua) (?:premio|bonus|recompensa|dinheiro)\b",
            r"\bclique (?:aqui|no link)\b",
        ),
    ),
    # French
    (
        "gagne felicitations compte colis paiement prix cadeau bonus gain cliquez",
        (
            r"\bvous avez (?:ete )?(?:gagne|selectionne)",
            r"\bvotre (?:compte|colis|paiement|carte) (?:\w+ ){0,3}(?:bloque|suspendu|limite|attente|retenu|refuse)",
            r"\b(?:verifiez|confirmez|validez) votre (?:compte|identite|paiement|carte)\b",
            r"\b(?:reclamez|recevez|recuperez) votre (?:prix|cadeau|bonus|gain|argent)\b",
            r"\bcliquez (?:ici|sur)\b",
        ),
    ),
    # German
    (
        "gewonnen konto paket zahlung gewinn preis bonus klicken klick identitat daten",
        (
            r"\b(?:sie haben|du hast) (?:\w+ ){0,4}gewonnen\b",
            r"\b(?:ihr|dein)e? (?:konto|paket|zahlung|karte) (?:\w+ ){0,3}(?:gesperrt|blockiert|eingeschrankt"
            r"|fehlgeschlagen|zuruckgehalten)\b",
            r"\b(?:bestatigen|verifizieren|aktualisieren) sie (?:ihr|ihre|ihren) (?:konto|identitat|zahlung|daten)\b",
            r"\b(?:fordern|holen|sichern) sie (?:sich )?(?:ihr|ihren) (?:\w+ )?(?:gewinn|bonus|preis|geld)\b",
            r"\bklicken sie (?:hier|auf)\b",
        ),
    ),
    # Italian
    (
        "vinto conto account pacco premio bonus clicca",
        (
            r"\b(?:hai|ha) vinto (?:un|il|la|\d)",
            r"\bil (?:tuo|suo) (?:account|conto|pacco) (?:\w+ ){0,3}(?:bloccato|sospeso|attesa|trattenuto)\b",
            r"\b(?:verifica|conferma|verifichi|confermi) il (?:tuo|suo) (?:account|conto)\b",
            r"\b(?:riscatta|ritira) il (?:tuo|suo) (?:premio|bonus)\b",
            r"\bclicca (?:qui|sul|su)\b",
        ),
    ),
    # Polish
    (
        "konto wygrales wygralas kliknij odbierz",
        (
            r"\bwygral[ea]s\b",
            r"\b(?:twoje|panstwa) konto (?:\w+ ){0,2}(?:zablokowane|zawieszone)\b",
            r"\bkliknij (?:tutaj|tu|w link|link)\b",
            r"\bodbierz (?:swoja |swoj )?(?:nagrode|bonus|premie)\b",
        ),
    ),
    # Turkish
    (
        "kazandiniz hesabiniz odulunuzu tiklayin",
        (
            r"\b(?:odul|hediye|bonus|para|lira|cekilisi?) kazandiniz\b",
            r"\bhesabiniz (?:\w+ ){0,2}(?:askiya|bloke|kapat|engel)",
            r"\bodulunuzu (?:alin|almak)",
            r"\b(?:linke|buraya) tiklayin\b",
        ),
    ),
    # Indonesian
    (
        "anda klik klaim gacor judi",
        (
            r"\b(?:selamat )?anda (?:telah )?(?:menang|memenangkan|terpilih)\b",
            r"\bakun anda (?:\w+ ){0,2}(?:diblokir|ditangguhkan)\b",
            r"\bklik (?:di ?sini|link|tautan)\b",
            r"\bklaim (?:hadiah|bonus)\b",
            r"\b(?:situs|bandar) (?:judi|slot)\b",
        ),
    ),
    # Vietnamese
    (
        "trung chuc khoan nha",
        (
            r"\bban da trung (?:thuong|giai)\b",
            r"\bchuc mung ban da\b",
            r"\btai khoan cua ban (?:da )?bi\b",
            r"\b(?:keo nha cai|nha cai uy tin)\b",
        ),
    ),
)

#: The same in other scripts, where words are not told apart by spaces everywhere.
OTHER: tuple[str, ...] = (
    # Russian
    r"позвоните нам",
    r"для получения (?:вашего )?(?:бонуса|приза|выплаты|перевода)",
    r"вы (?:\w+ ){0,2}выиграли",
    r"вам (?:\w+ )?(?:одобрен|начислен|доступн|положен)\w*",
    r"вам (?:перевод|выплата|компенсация)",
    r"ваш[ае]? (?:аккаунт|счёт|карта|посылка|кошел[её]к) (?:\w+ ){0,2}(?:заблокирован|приостановлен|ожидает)",
    r"(?:получите|заберите) (?:ваш |свой |вашу |свою )?(?:бонус|приз|деньги|выплату|перевод|подарок)",
    r"перейдите по ссылке",
    r"подтвердите (?:ваш |свой |вашу |свою )?(?:аккаунт|счёт|личность)",
    # Chinese
    r"恭喜(?:您|你)",
    r"(?:您|你)(?:已经?|已經)?(?:中奖|中獎|获奖|獲獎)",
    r"(?:您|你)的(?:账户|帐户|账号|帐号|帳戶|帳號|钱包|包裹).{0,6}(?:冻结|凍結|停用|封|异常|異常|限制)",
    r"(?:点击|點擊|点此|點此)(?:链接|鏈接|連結|领取|領取|这里|這裡)",
    r"(?:免费|免費)(?:领取|領取)",
    r"领取(?:奖|红包|您的)|領取(?:獎|紅包|您的)",
    r"代开.{0,2}发票|代開.{0,2}發票",
    r"加(?:我)?(?:微信|v信|薇信)",
    # Japanese
    r"当選(?:しました|されました|おめでとう)",
    r"アカウントが.{0,8}(?:停止|ロック|制限)",
    r"こちらを?クリック",
    # Korean
    r"당첨(?:되|을 축하)",
    r"계정이 ?(?:정지|차단|잠)",
    r"(?:링크를|여기를) ?클릭",
    # Arabic
    r"لقد (?:ربحت|فزت)",
    r"تم (?:حظر|إيقاف|تعليق) حسابك",
    r"(?:اضغط|انقر) (?:هنا|على)",
    r"استلم (?:جائزتك|هديتك)",
    # Hindi
    r"आप(?:ने)? .{0,12}(?:जीत गए|जीता है|जीते हैं)",
    r"यहाँ क्लिक",
)
