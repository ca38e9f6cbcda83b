agent = Agent
all = Alle
amount = Betrag
attention = Zu tun
attention-none = Nichts ist zu tun.
attention-open = Alles ansehen
badges = An den Türen
badges-none = Noch hat niemand eine Karte gezeigt.
card-enrol-at = Karte an { $door } aufnehmen
card-give = Diese Karte geben
card-lost = verloren
card-mark-found = Wiedergefunden
card-mark-lost = Verloren
card-mark-returned = Zurückgegeben
card-ok = gilt
card-returned = zurückgegeben
card-type = Kartennummer eintippen
cards = Karten
cards-count = { $count ->
    [one] 1 Karte
   *[other] { $count } Karten
}
cards-none = Noch keine Karte.
cash = Bar
clock = Uhr
clock-doubtful = nicht verlässlich
clock-right = richtig
currency = Währung
do-accept = So ist es gemeint
do-approve = Fortfahren
do-confirm = Die Zuordnung stimmt
do-cover = Platz dem Mitglied geben
do-default-type = Ersatz für unbekannte
do-end-grant = Zugang beenden
do-end-now = Jetzt beenden
do-give-card = Karte geben
do-hold = Zugang sperren
do-link = Dem Mitglied zuordnen
do-make-type = Mitgliedschaft anlegen
do-map = Preis zuordnen
do-new-member = Neues Mitglied anlegen
do-replay = Noch einmal anwenden
do-resend = Listen noch einmal senden
do-retry = Stripe noch einmal fragen
do-revoke = Agent die Rechte nehmen
do-seen = Gesehen
do-uncover = Platz freigeben
door = Tür
door-behind = Hat die neueste Liste noch nicht.
door-current = Hat die neueste Liste.
door-identify = Blinken
door-out-of-contact = Ohne Verbindung: Sie entscheidet mit der Liste, die sie hat.
door-unlock = Einmal öffnen
doors = Türen
doors-none = Noch gibt es keine Tür.
end-now = Jetzt beenden
explain-at = Zu einem anderen Zeitpunkt
explain-do = Erklären
field-code = Code vom Telefon
field-label = Bezeichnung
field-mail = E-Mail-Adresse
field-member = Nummer des Mitglieds
field-membership = Mitgliedschaft
field-name = Name
field-new-password = Neues Passwort
field-password = Passwort
field-reason = Warum
field-token = Token des Servers
field-uid = Nummer der Karte
format-day = %d.%m.%Y
format-moment = %d.%m.%Y %H:%M
format-time = %H:%M:%S
grant-make = Zugang geben
grants = Gegeben und gesperrt
hold = Gesperrt
hold-lift = Aufheben
hold-make = Zugang sperren
how = Wie
keyholder = Schließberechtigt: kommt auch bei Absperrung hinein
last-day = Letzter Tag (leer: bis zum Widerruf)
lockdown = verriegelt
lockdown-begin = Diesen Bereich verriegeln
lockdown-end = Verriegelung aufheben
lockdown-what = Bei einer Verriegelung kommen nur Schlüsselträger hinein; hinaus kommt man wie immer. Sie gilt, bis jemand sie aufhebt.
may-agents-change = Agenten koppeln, neu starten und ausschließen
may-attention-resolve = Punkte erledigen
may-attention-see = Sehen, was zu tun ist
may-badges-see = Sehen, was an den Türen geschah
may-cards-give = Karten ausgeben
may-cards-lend = Leihchips verleihen und zurücknehmen
may-cards-mark = Karten als verloren, gefunden oder zurückgegeben melden
may-cards-see = Karten sehen, mit ihren letzten Ziffern
may-catalogue-map = Sagen, welcher Preis welche Mitgliedschaft ist
may-catalogue-retrofit = Preise bei Stripe kennzeichnen
may-coverage-name = Sagen, wer für wen zahlt
may-discounts-make = Rabattcodes ausstellen
may-doors-change = Türen anlegen, ändern und entfernen
may-doors-command = Eine Tür einmal öffnen
may-doors-lock-down = Einen Bereich verriegeln
may-doors-see = Türen, Bereiche und Zeitpläne sehen
may-gift-cards-make = Gutscheine ausstellen und stornieren
may-gift-cards-redeem = Gutscheine einlösen
may-grants-make = Zutritt von Hand geben
may-holds-make = Zutritt entziehen
may-import = Mitglieder einlesen
may-inbox-see = Sehen, was Stripe geschickt hat
may-inductions-note = Einweisungen eintragen
may-addresses-replace = Eine Mailadresse durch eine andere ersetzen
may-keyholders-name = Schlüsselträger benennen
may-members-change = Namen und Adressen ändern
may-members-create = Mitglieder anlegen
may-members-see = Mitglieder sehen, und warum sie hineinkommen
may-money-see = Zahlungen, Guthaben und Gutscheine sehen
may-payments-record = Bargeld und Überweisungen eintragen
may-payments-void = Eingetragene Zahlungen stornieren
may-pins-set = PINs setzen
may-plans-change = Tarife wechseln
may-rules-change = Mitgliedschaften, Bereiche und Zeitpläne ändern
may-rules-see = Mitgliedschaften und Preise sehen
may-sessions-end = Eigene Anmeldungen beenden
may-staff-change = Leute einladen und ihre Rechte ändern
may-staff-see = Sehen, wer Rechte hat
may-today-see = Sehen, was heute los ist
me = Du
member = Mitglied
member-change = Name und Adresse ändern
member-new = Neues Mitglied
members = Mitglieder
members-none = Niemand passt.
membership = Mitgliedschaft
months = Monate
more = Mehr
name = Name
navigation = Seiten
no = nein
note = Bemerkung
older = Ältere
payment-record = Zahlung eintragen
payments = Zahlungen
payments-none = Noch keine Zahlung.
pays-for = Für
people = Rechte
people-invite = Einladen
people-invited = { $name } kommt mit diesem Link herein, einmal, binnen einer Woche. Er wird nur jetzt gezeigt:
people-link = Link
people-remove = Alle Rechte nehmen
people-waits = (eingeladen)
refused-back = Nichts wurde geändert. Geh im Browser zurück: Deine Eingaben sind noch da.
reported = Letzte Meldung
rights = Wer was darf
role = Rolle
role-admin = Verwaltung
role-front-desk = Empfang
role-owner = Eigentümer
role-read-only = Nur lesen
role-treasurer = Kasse
save = Speichern
search = Name oder Adresse
search-do = Suchen
session-end = Beenden
session-seen = zuletzt benutzt { $at }
session-since = seit { $at }
session-this = (hier)
sessions = Wo du angemeldet bist
sign-in = Anmelden
sign-in-lost = Telefon oder Passwort verloren? Ein Eigentümer kann dich neu einladen.
sign-in-refused = Das stimmte nicht, oder der Code war schon benutzt. Versuch es mit dem nächsten Code.
sign-in-wait = Zu viele Versuche. Warte ein paar Minuten und versuch es dann wieder.
sign-out = Abmelden
skip = Zum Inhalt
spooled = Ausstehende Ereignisse
standing = Stand
state-good = in Ordnung
state-grace = in der Nachfrist
state-held = gesperrt
state-lapsed = erloschen
state-none = noch nicht bestimmt
state-pending = ausstehend
state-stranger = nie dabei
story = Was geschah
today = Heute
transfer = Überweisung
until = Bis / seit
version = Version
welcome = Willkommen
welcome-begin = Anfangen
welcome-code-wrong = Der Code passt nicht: Tippe den, den die App jetzt zeigt.
welcome-first = Noch hat niemand Rechte auf diesem Server. Wer sein Token hat, wird Eigentümer: Es wurde beim ersten Start des Servers ausgegeben.
welcome-incomplete = Name und E-Mail-Adresse werden gebraucht.
welcome-invited = { $name }, wähle, wie du dich anmeldest.
welcome-password-rule = Mindestens 12 Zeichen und nichts leicht zu Erratendes; ein paar zufällige Wörter sind gut.
welcome-password-weak = Dieses Passwort ist zu kurz oder zu leicht zu erraten.
welcome-phone = Codes vom Telefon
welcome-scan = Lies dieses Bild mit einer App für Codes und tippe dann den Code ein, den sie zeigt.
welcome-token-wrong = Das ist nicht das Token des Servers.
welcome-type = Oder tippe in die App:
what = Was
when = Wann
who = Wer
why = Warum
yes = ja

# Karten und Leihanhänger.
card = Karte
card-doors = Was die Türen wissen
card-doors-all = Jede Tür hat bestätigt, dass sie es weiß.
card-doors-none = Von dieser Karte hat noch keine Tür erfahren.
card-doors-waiting = { $count ->
    [one] Eine Tür hat noch nicht bestätigt, dass sie es weiß.
   *[other] { $count } Türen haben noch nicht bestätigt, dass sie es wissen.
}
card-neighbours = Die Nummer direkt davor oder danach ist in Gebrauch. Zusammen gekaufte Karten verwechselt man leicht, und wer eine liest, errät die nächste:
card-state = Zustand
cards-all = Alle Karten
cards-no-match = Keine Karte passt.
cards-search = Bezeichnung oder letzte Ziffern
enrol-do = Anlernen
enrol-for = Karte für
enrol-placeholder = Nummer oder Name
enrol-taps = Dann wird die Karte an der Tür zweimal gezeigt, innerhalb von 20 Sekunden.
enrol-whose = Wessen Karte wird es?
field-format = Geschrieben als
field-who = Mitglied (Nummer oder Teil des Namens)
format-decimal = dezimal, eine Zahl
format-decimal-what = 0077705923: was die meisten USB-Leser von sich aus tippen und was auf vielen Anhängern steht.
format-decimal_reversed = dezimal, Bytes umgekehrt
format-decimal_reversed-what = 3283263748: dieselbe Karte an einem Leser, der mit dem letzten Byte anfängt.
format-hex = hexadezimal
format-hex-what = 04A1B2C3, mit oder ohne Leerzeichen, Doppelpunkte oder Striche: so, wie die Türen sie lesen.
format-hex_reversed = hexadezimal, Bytes umgekehrt
format-hex_reversed-what = C3B2A104: dieselbe Karte an einem Leser, der mit dem letzten Byte anfängt.
format-site = Standort,Nummer
format-site-what = 161,45763: steht auf Anhängern; drei Bytes, wie bei Lesern mit Wiegand 26.
formats = Wie Nummern geschrieben werden
formats-reader = Ein USB-Leser tippt die Nummer und Enter wie eine Tastatur: Cursor ins Feld setzen und die Karte an den Leser halten. Lerne zuerst eine Karte an einer Tür an und vergleiche die letzten vier Ziffern; dann weißt du, wie dein Leser schreibt.
formats-short = Viele Leser am Tisch lassen das erste Byte von 125-kHz-Anhängern weg. Stimmen die letzten Ziffern und die Tür weist trotzdem ab, dann lerne an der Tür an.
list-ended = öffnet hier nichts mehr
list-held = ist gesperrt
list-known = Weiß es
list-known-no = nein: ohne Kontakt
list-known-soon = noch nicht
list-known-yes = ja, unterschrieben
list-lapsed = ist abgelaufen
list-lost = ist verloren: abgewiesen
list-ok = darf hinein
list-says = Die Karte
list-unlisted = steht nicht auf der Liste: abgewiesen
loaner = Leihanhänger
loaner-add = Leihchip in den Vorrat aufnehmen
loaner-back-by = Zurück bis
loaner-label = Was darauf steht
loaner-lend = Verleihen
loaner-overdue = nicht zurückgegeben
loaner-remove = Aus dem Vorrat nehmen
loaner-return = Zurückgegeben
loaner-there = hier
loaner-uid = Nummer des Leihchips
loaner-or = Oder durch Antippen:
loaner-taps = Drücke einen Knopf und halte den Leihchip innerhalb von 20 Sekunden zweimal an diese Tür.
loaner-until = verliehen bis { $at }
loaner-with = bei
loaners = Leihanhänger
loaners-none = Es ist noch kein Leihchip im Vorrat.
loaners-what = Ein verliehener Leihchip öffnet, was der Leihende öffnen darf, und ab seinem Ende nichts mehr: Das wissen die Türen von selbst.
since = Seit

# Bereiche, Zeitpläne, Orte, Türen, Agenten.
address = Anschrift
agent-code = Der Code allein:
agent-code-command = Was am Rechner der Tür einzugeben ist
agent-code-until = Gib das am Rechner der Tür ein, vor { $at }. Der Code wird nur jetzt gezeigt und gilt einmal.
agent-diagnostics = Diagnose
agent-new = Neuer Agent
agent-new-code = Neuer Kopplungscode
agent-paired = Gekoppelt
agent-paired-at = Gekoppelt seit
agent-refused = Abgewiesene Nachrichten
agent-restart = Neu starten
agent-revoke-what = Seine Unterschrift und sein Passwort gelten nicht mehr; seine Türen machen mit der Liste weiter, die sie haben. Kopple ihn neu, um ihn wieder zu verwenden.
agent-revoked = Entzogen
agent-told = Erledigt.
agent-unpaired = Noch nicht gekoppelt
agents = Agenten
agents-none = Es gibt noch keinen Agenten.
agents-what = Ein Agent ist der kleine Rechner an einer Tür; er bedient eine Tür oder mehrere.
day-fri = Freitag
day-holiday = Feiertage
day-mon = Montag
day-sat = Samstag
day-sun = Sonntag
day-thu = Donnerstag
day-tue = Dienstag
day-wed = Mittwoch
door-again = Vermerkt, wenn dieselbe Karte wieder hineingeht innerhalb von (Sekunden)
door-again-what = Die Karte kommt trotzdem hinein; das Protokoll sagt, dass sie so bald wieder da war. Leer: nie.
door-change = Diese Tür ändern
door-enrols = Hier werden Karten angelernt
door-hold-open = Offen halten
door-hold-open-what = Alle Türen ihres Bereichs sind bis dahin entriegelt, auch ohne Netz. Leer: nicht länger.
door-id-what = So, wie die Tür in den Einstellungen ihres Agenten heißt. Das ändert sich nie.
door-lag = Alter der neuesten Liste bei der Meldung
door-new = Neue Tür
door-remove = Diese Tür entfernen
door-remove-what = Ihr Agent bedient sie nicht mehr. Was dort geschah, bleibt im Protokoll.
door-state = Zustand
field-id = Kurzname (Buchstaben, Ziffern, - und _)
holidays = Feiertage
holidays-what = Ein Tag je Zeile, wie 2026-12-24. An diesen Tagen gelten nur die Stunden, die ein Zeitplan für Feiertage hat; ohne solche ist er geschlossen.
hours-always = immer
hours-never = nie
kept-degraded = Eine ältere Liste gilt, denn die neueste war nicht lesbar.
kept-stored = Gespeichert.
kept-volatile = Nur im Arbeitsspeicher: Sieh nach dem Datenträger.
knob-clock = Zugang nach Zeitplan verweigern, solange der Uhr nicht zu trauen ist
knob-clock-what = Sonst lässt eine Tür, die ihre Uhrzeit verloren hat, Mitglieder mit Zeiten jederzeit hinein und vermerkt es.
knob-first = Erst, wenn ein erstes Mitglied hineingegangen ist
knob-hall = Von selbst entriegelt
knob-hall-what = Wie ein Laden zu seinen Öffnungszeiten. Nie, solange abgeriegelt ist.
knob-induction = Nur Mitglieder mit Einweisung
knob-induction-what = Für Maschinen, in die man vor der Benutzung eingewiesen wird.
knob-offline = Stunden, die eine Verlängerung ausbleiben darf, während eine Tür ohne Kontakt ist
knob-offline-what = So lange kommt hinein, wessen Abo sich verlängert, während die Tür nichts hört. Leer: zwei Wochen.
knob-pin = Auf die Karte muss eine PIN folgen
knob-pin-what = Zum Beispiel nachts. Mitglieder ohne PIN werden dann abgewiesen.
knob-readers = Leser, die nur die letzten Bytes einer Karte sehen
knob-readers-what = Bei Wiegand mit 26 Bits schreibe 3. Karten, die solche Leser nicht unterscheiden könnten, werden beim Vergeben abgelehnt.
knob-staleness = Stunden ohne Kontakt, nach denen nur Schlüsselträger hineinkommen
knob-staleness-what = Für Räume, in denen eine verlorene Karte nicht tagelang gehen darf. Leer: nie; Mitglieder kommen hinein, obwohl das Netz weg ist.
location = Ort
location-new = Neuer Ort
locations = Orte
lockdown-title = Abriegelung
preview-ask = Das würde die Änderung bewirken:
preview-gain = { $count ->
    [one] Ein Mitglied darf von nun an hinein
   *[other] { $count } Mitglieder dürfen von nun an hinein
}
preview-lose = { $count ->
    [one] Ein Mitglied darf nicht mehr hinein
   *[other] { $count } Mitglieder dürfen nicht mehr hinein
}
preview-no = Noch ist nichts geändert. Geh im Browser zurück, um etwas anderes zu ändern.
preview-other-hours = { $count ->
    [one] Ein Mitglied darf zu anderen Zeiten hinein
   *[other] { $count } Mitglieder dürfen zu anderen Zeiten hinein
}
preview-waits = So viele verlören auf einmal den Zugang, dass es auf dein Ja wartet.
preview-yes = Ja, ändern
schedule = Zeitplan
schedule-closed = geschlossen
schedule-grid = Ziehe über die Stunden, in denen offen ist. Mit der Tastatur: Pfeiltasten zum Bewegen, Leertaste zum Öffnen oder Schließen, Umschalt und Pfeiltaste zum Zeichnen.
schedule-holidays = An einem Feiertag des Ortes gilt nur die Zeile für Feiertage.
schedule-hours = Stunden einer Woche
schedule-lines = Zeiten wie 08:00-12:00, 14:00-22:00. Eine Nacht sind zwei Zeilen: bis 24:00, und ab 00:00 am nächsten Tag.
schedule-new = Neuer Zeitplan
schedule-unused = Diesen Zeitplan verwendet noch kein Bereich.
schedules = Zeitpläne
schedules-none = Es gibt noch keinen Zeitplan.
schedules-what = Die Zeiten, zu denen ein Mitgliedstyp einen Bereich öffnet. Ein Typ ohne Zeitplan öffnet immer.
seconds-count = { $count ->
    [one] 1 Sekunde
   *[other] { $count } Sekunden
}
shadow = Abgewiesen in den letzten 14 Tagen
shadow-granted = { $count ->
    [one] Einmal wurde eine Karte eingelassen.
   *[other] { $count }-mal wurden Karten eingelassen.
}
shadow-last = Zuletzt
shadow-refused = { $count ->
    [0] Kein Mitglied wurde abgewiesen.
    [one] Ein Mitglied wurde abgewiesen.
   *[other] { $count } Mitglieder wurden abgewiesen.
}
shadow-times = Wie oft
shadow-unknown = { $count ->
    [0] Keine unbekannte Karte wurde gezeigt.
    [one] Einmal wurde eine unbekannte Karte gezeigt.
   *[other] { $count }-mal wurden unbekannte Karten gezeigt.
}
shadow-what = Der Agent dieser Tür bewegt kein Schloss: Wer hier steht, hätte draußen gestanden. Kläre das und nimm dann `shadow = true` aus den Einstellungen des Agenten.
shadow-how = Bevor eine Tür umgestellt wird, kann ihr Agent mit `shadow = true` laufen: Dann bewegt er kein Schloss, und diese Liste sagt, wer abgewiesen worden wäre.
shadow-would = Wäre in den letzten 14 Tagen abgewiesen worden
door-shadow = Probelauf: Sein Schloss wird nicht bewegt.
time-zone = Zeitzone
zone = Bereich
zone-held-open = Die Türen sind bis { $at } entriegelt.
zone-knobs = Einstellungen
zone-new = Neuer Bereich
zone-open = Offen stehen
zone-open-any = Jede Karte kommt hinein (offenes Haus)
zone-open-doors = Die Türen sind entriegelt
zone-open-house = Offenes Haus: Jede Karte kommt hinein bis { $at }.
zone-open-until = Bis (leer: nicht länger)
zone-open-what = Auch Türen ohne Kontakt wissen es, sobald sie davon gehört haben, und verriegeln von selbst wieder.
zone-rename = Name und Ort
zone-who = Wer wann hinein darf
zone-who-save = Bevor gespeichert wird, siehst du, wer Zugang gewönne oder verlöre.
zones = Bereiche
zones-none = Es gibt noch keinen Bereich.
zones-what = Ein Bereich ist eine Tür oder mehrere, durch die dieselben Mitglieder zu denselben Zeiten dürfen.
# --- money, Stripe, first steps
about = Worum
after = Danach
back = Zurück
became = Was daraus wurde
before = Davor
catalogue = Preise
catalogue-ask = Stripe jetzt nach den Preisen fragen
catalogue-events = Das haben Ereignisse gezeigt; mit einem Schlüssel würde Stripe alles auflisten.
catalogue-memberships = Mitgliedschaften
catalogue-odd = Anzusehen
catalogue-others = Keine Mitgliedschaft
catalogue-what = Ein Preis ist eine Mitgliedschaft, wenn seine Beschreibung oder Id bei Stripe mit membertype_ und dem Namen einer Mitgliedschaft beginnt, oder wenn es hier jemand sagt.
changed = Stände, die sich ändern
come-in = Kommen dadurch hinein
compare = Vergleichen, nichts ändern
compare-approve = Berichtigen, obwohl { $count } den Zugang verlieren
compare-mend = Vergleichen und berichtigen
compare-what = Beim Berichtigen gilt, was Stripe sagt. Verlören mehr als ein paar Mitglieder dadurch den Zugang, behalten sie ihn, bis jemand ja sagt.
compared = { $count ->
    [one] 1 Abonnement verglichen
   *[other] { $count } Abonnements verglichen
}
count = Anzahl
covered-seat = Platz { $seat }
customer = Kunde
customer-id = Id des Kunden bei Stripe
customer-link = Einen Kunden von Stripe zuordnen
customer-unconfirmed = zu bestätigen
customers = Kunden bei Stripe
differences-held = { $count ->
    [one] 1 Mitglied verlöre den Zugang und behält ihn, bis jemand ja sagt.
   *[other] { $count } Mitglieder verlören den Zugang und behalten ihn, bis jemand ja sagt.
}
differences-mended = Was anders war und berichtigt wurde:
differences-none = Nichts ist anders.
differences-told = Was anders ist; nichts wurde geändert:
done = erledigt
event = Ereignis
event-came = Gekommen
event-did = Was es bewirkte
event-did-nothing = Niemandes Stand hat sich dadurch geändert.
event-made = Bei Stripe entstanden
every-day = { $count ->
    [one] je Tag
   *[other] alle { $count } Tage
}
every-month = { $count ->
    [one] je Monat
   *[other] alle { $count } Monate
}
every-week = { $count ->
    [one] je Woche
   *[other] alle { $count } Wochen
}
every-year = { $count ->
    [one] je Jahr
   *[other] alle { $count } Jahre
}
fate-applied = gilt
fate-asking = Stripe wird gefragt
fate-held = zurückgehalten
fate-ignored = ohne Belang
fate-pending = wartet
fate-poisoned = nicht angewandt
fate-why-applied = Was es sagt, wurde übernommen, an seinem Platz unter allen Ereignissen.
fate-why-asking = Es sagt nicht, wie es jetzt steht: Danach wird Stripe gefragt.
fate-why-held = Es ist eine alte Nachricht, die mit anderen vielen den Zugang nähme: Sie wartet auf ein Ja unter „Zu tun“.
fate-why-ignored = Es sagt nichts über den Zugang.
fate-why-pending = Es ist aufgehoben und wird gleich angewandt.
fate-why-poisoned = Es konnte nicht angewandt werden.
go-out = Kommen dadurch nicht mehr hinein
inbox = Ereignisse
inbox-none = Kein Ereignis.
key-account-wrong = Nein: Er gehört zu einem anderen Konto oder Modus oder liest es nicht.
key-bad = Etwas fehlt: Gib dem Schlüssel bei Stripe diese Rechte oder nimm einen anderen.
key-check = Prüfen, was der Schlüssel lesen darf
key-good = Der Schlüssel liest, was gebraucht wird.
locked-out = Wer heute Nacht vor der Tür stünde
locked-out-ends = Der Zugang endet binnen eines Tages.
locked-out-held = Gesperrt.
locked-out-more = { $count ->
    [one] Und 1 weiteres.
   *[other] Und { $count } weitere.
}
locked-out-no-card = Hat keine Karte, die gilt.
locked-out-no-door = Wo diese Mitgliedschaft öffnet, bedient kein gekoppelter Agent eine Tür.
locked-out-no-induction = Was sie öffnet, braucht erst eine Einweisung.
locked-out-no-zone = Diese Mitgliedschaft öffnet keinen Bereich.
locked-out-nobody = Niemand, der zahlt oder hinein darf.
locked-out-not-paid = Das Abonnement läuft, und das Fällige ist nicht bezahlt.
locked-out-not-yet = Die erste Zahlung ist noch nicht da, oder es beginnt später.
locked-out-what = Sie zahlen oder dürfen hinein, und keine Tür ginge für sie auf:
may-books-see = Sehen, was Zahlungen ergeben
may-inbox-replay = Ereignisse noch einmal anwenden
may-start-follow = Den ersten Schritten folgen
may-stripe-compare = Mit Stripe abgleichen
may-stripe-see = Sehen, wie Stripe gehört wird
mode-live = live: echtes Geld
mode-test = Test: Spielgeld
money = Geld
month = Monat
never = nie
paid-by = bezahlt von
payers = { $count ->
    [one] 1 zahlt danach
   *[other] { $count } zahlen danach
}
paying = Wer für wen zahlt
paying-nobody = Bei Stripe zahlt niemand für dieses Mitglied, und es zahlt für niemanden.
paying-nothing = Aktiv, ohne zu zahlen
paying-nothing-none = Alle, die hinein dürfen, zahlen.
paying-nothing-what = Sie dürfen hinein, und für keinen Tag des letzten Monats oder danach wurde etwas für sie bezahlt.
payment-void = Für ungültig erklären
payments-file = Als Datei herunterladen (CSV)
pays-for-people = Zahlt für
permission = Recht
permission-optional = (für Erstattungen, Einsprüche und Codes)
place-default = durch den Ersatz für unbekannte
place-id = durch seine Id
place-lookup-key = durch seinen Lookup Key
place-mapping = hier gesagt
place-metadata = durch seine Metadaten
place-nickname = durch seine Beschreibung
place-plan-name = durch den Namen des Plans
place-product-description = durch die Beschreibung des Produkts
place-product-metadata = durch die Metadaten des Produkts
place-product-name = durch den Namen des Produkts
plan-change = Tarif wechseln
plan-do = So wechseln
plan-due = Zu zahlen
plan-hour = Diese Zahlen sind von Stripe und gelten eine Stunde.
plan-no-prices = Es gibt keinen anderen Preis, der eine Mitgliedschaft ist.
plan-none = Kein Abonnement mit einer Mitgliedschaft läuft.
plan-now = sofort; der Rest des Zeitraums wird angerechnet
plan-period-end = mit dem nächsten Zeitraum
plan-preview = Sehen, was es kostet
plan-preview-what = Das Ansehen ändert nichts.
plan-to = Wozu
plan-total = Summe
price = Preis
price-archived = wird nicht mehr verkauft
price-gone = bei Stripe verschwunden
price-map = Hier so sagen
price-no-membership = keine Mitgliedschaft
price-unmap = Wieder seinen Namen bei Stripe gelten lassen
reconciliation = Abgleich
reconciliation-what = Jede Nacht wird alles mit dem verglichen, was Stripe auflistet.
replay-what = Was es sagt, zählt nicht doppelt.
retrofit = Eine Mitgliedschaft bei Stripe in einen Preis schreiben
retrofit-do = Bei Stripe hineinschreiben
retrofit-nothing-yet = Noch ist nichts geschrieben.
retrofit-preview = Sehen, was das Hineinschreiben bei Stripe ändert
seat-free = noch niemand
seat-name = Jemanden nennen
seat-who = Name, E-Mail-Adresse oder Nummer
show = Zeigen
start = Erste Schritte
start-agent-name = Wie der Raspberry Pi heißt
start-all-done = Alles ist getan: Die Türen gehen.
start-bring = Hereinholen, wer bei Stripe schon zahlt
start-bring-what = Wer bei Stripe schon für eine Mitgliedschaft zahlt, wird hier Mitglied, nach der E-Mail-Adresse zugeordnet, wenn jemand sie hat.
start-card = Die erste Karte
start-card-what = Wähle ein Mitglied, nimm an der Tür eine Karte auf oder tippe ihre Nummer ein und zeige sie dann an der Tür. Dieser Schritt ist getan, wenn eine Tür für ein Mitglied aufging.
start-cash = Kein Stripe? Dann lass es aus: Mit der ersten von Hand eingetragenen Zahlung ist es getan.
start-clock = Danach ist es jetzt { $time }.
start-club = Name und Uhr
start-club-name = Wie der Verein heißt
start-code = Der Kopplungscode von { $agent }, nur jetzt gezeigt:
start-code-new = Neuer Kopplungscode für { $agent }
start-code-until = Gilt bis { $time }, einmal.
start-door = Die erste Tür
start-door-example = Haustür
start-door-in-contact = in Verbindung
start-door-make = Tür und Kopplungscode anlegen
start-door-name = Wie die Tür heißt
start-door-nobody = kein Agent bedient sie
start-door-unpaired = wartet auf die Kopplung
start-door-what = Ein Raspberry Pi an der Tür liest Karten, entscheidet selbst und steuert das Schloss.
start-door-zone-first = Lege erst einen Bereich an.
start-go-on = Mit den ersten Schritten fortfahren
start-pi-far = Der Broker ist nur auf diesem Rechner erreichbar. Für einen Raspberry Pi, der ein anderer Rechner ist, starte den Server so, mit seiner eigenen Adresse im Netz:
start-pi-setup = Der zweite Befehl fragt nach dem Namen der Tür, der dahinter steht, und hört auf den Leser. Steht im dritten 127.0.0.1 oder localhost, schreibe die Adresse des Servers im Netz.
start-pi-type = Auf dem Raspberry Pi, eins nach dem anderen:
start-progress = { $done } von { $all } getan
start-pull = Mit einem Schlüssel, nichts öffentlich
start-pull-check = Prüfe ihn hier.
start-pull-make = Lege bei Stripe einen eingeschränkten Schlüssel an, mit dem Recht „Lesen“ für:
start-pull-none = Der Server hat noch keinen Schlüssel.
start-pull-put = Schreibe ihn in die Datei mit den Einstellungen, für niemand anderen lesbar, und starte den Server damit. In der Datenbank steht er nie.
start-pull-variable = Oder als Umgebungsvariable:
start-pull-what = Der Server fragt Stripe alle paar Sekunden, was geschah. Das reicht für einen Verein hinter einem Heimrouter.
start-stripe = Stripe
start-time-zone = Zeitzone
start-time-zone-why = Öffnungszeiten und Enden folgen dieser Uhr.
start-type-id = Kurzer Name, wie in membertype_…
start-type-make = Eine Mitgliedschaft anlegen
start-types = Mitgliedschaften
start-types-found = Preise bei Stripe nennen diese, und hier gibt es sie noch nicht:
start-types-odd = { $count ->
    [one] 1 Preis ist anzusehen.
   *[other] { $count } Preise sind anzusehen.
}
start-types-take = Alle übernehmen
start-types-what = Wofür Mitglieder zahlen. Ein Preis bei Stripe, dessen Beschreibung mit membertype_ und einem kurzen Namen beginnt, gehört dazu.
start-webhook = Oder Stripe ruft diesen Server an (ein Webhook)
start-webhook-address = Füge bei Stripe einen Endpunkt mit dieser Adresse hinzu:
start-webhook-events = Wähle genau diese Ereignisse:
start-webhook-https = (Stripe braucht die öffentliche Adresse, mit https.)
start-webhook-none = Noch ist kein Ereignis gekommen.
start-webhook-secret = Schreibe das Signaturgeheimnis des Endpunkts in die Datei mit den Einstellungen und starte den Server neu.
start-webhook-test = Sende ein Testereignis aus Stripes Dashboard und sieh dann hier wieder nach.
start-webhook-what = Für Server mit öffentlicher Adresse: Neuigkeiten sind sofort da. Zusammen mit einem Schlüssel werden sie auch bestätigt.
start-what = Von hier zur ersten Karte an der Tür. Geh, wann du willst: Was getan ist, weiß die Seite.
start-zone = Der erste Bereich
start-zone-example = Werkstatt
start-zone-opens = Zu jeder Zeit geöffnet durch
start-zone-types-first = Lege erst eine Mitgliedschaft an.
start-zone-what = Türen, die für dieselben Leute aufgehen, gehören zu einem Bereich.
stripe = Stripe
stripe-account = Konto
stripe-confirmed = Schlüssel zuletzt gut
stripe-heard = Neuigkeiten von Stripe kommen an
stripe-last-event = Letztes Ereignis
stripe-listed = Preise zuletzt aufgelistet
stripe-mode = Modus
stripe-reconciled = Zuletzt abgeglichen
stripe-unheard = Keine Neuigkeiten von Stripe kommen an
subscription = Abonnement
sure = Sicher?
sure-what = { $count ->
    [one] Das nimmt 1 Mitglied den Zugang.
   *[other] Das nimmt { $count } Mitgliedern auf einmal den Zugang. Noch ist nichts geändert.
}
totals = Summen
unread = Stripe war nicht zu lesen
way-none = Nichts ist eingerichtet: weder ein Schlüssel noch ein Webhook.
way-pull = Mit einem Schlüssel: Der Server fragt Stripe alle paar Sekunden.
way-webhook = Mit einem Webhook: Stripe ruft an, und nichts bestätigt es.
way-webhook-and-key = Mit einem Webhook, und ein Schlüssel bestätigt es.
where = Wo
# --- members' own pages
may-members-data = Alles, was über ein Mitglied gespeichert ist, in einer Datei sehen
may-members-forget = Ein Mitglied endgültig vergessen
may-own-use = Die eigene Seite eines Mitglieds (jedes für sich)
own = Meine Mitgliedschaft
own-again = Noch einen Link schicken
own-ago-minutes = { $count ->
    [one] vor einer Minute
   *[other] vor { $count } Minuten
}
own-ago-seconds = { $count ->
    [one] vor 1 Sekunde
   *[other] vor { $count } Sekunden
}
own-back = Zurück
own-begins = Es ist nichts zu tun.
own-cancel = Mein Abonnement beenden
own-card-on-file = Meine Karte für Zahlungen ändern
own-cards-none = Du hast noch keine Karte. Du bekommst sie am Empfang.
own-collected = Deine Zahlung ist unterwegs; jetzt ist nichts zu tun.
own-come-in = Meine Mitgliedschaft: hereinkommen
own-door-away = { $door } öffnet, soweit sie weiß. Sie hat seit { $at } keinen Kontakt und richtet sich nach dem, was sie vorher gehört hat.
own-door-behind = { $door } hat das Neueste noch nicht gehört. Warte einen Moment.
own-door-knows = { $door } weiß Bescheid ({ $ago }): halte deine Karte hin.
own-door-new = { $door } hat sich noch nie gemeldet.
own-doors-none = Keine Tür kennt eine Karte von dir.
own-export = Alles herunterladen, was über mich gespeichert ist
own-forget = Alles löschen, was über mich gespeichert ist
own-forgetting = Du wirst vergessen
own-forgotten-on = Am { $date } wird alles gelöscht, was über dich gespeichert ist. Bis dahin öffnen deine Karten nichts, und du kannst es zurücknehmen.
own-good = Alles in Ordnung. Deine Karte öffnet die Türen.
own-good-renews = Alles in Ordnung. Deine Karte öffnet die Türen bis { $date }, und länger, sobald deine Zahlung erneuert ist.
own-good-until = Alles in Ordnung. Deine Karte öffnet die Türen bis { $date }.
own-grace = Eine Zahlung fehlt. Deine Karte öffnet die Türen noch bis { $date }.
own-held = Dein Zugang ist gesperrt.
own-held-until = Dein Zugang ist bis { $date } gesperrt.
own-keep = Zurücknehmen: meine Mitgliedschaft behalten
own-kept = Was über mich gespeichert ist
own-lapsed = Deine Mitgliedschaft ist zu Ende, seit { $date }. Deine Karte öffnet nichts.
own-link-gone = Dieser Link wurde benutzt oder ist zu alt. Lass dir einen neuen schicken.
own-lost = Ich habe sie verloren
own-lost-is = Die Türen weisen sie ab. Findest du sie wieder, zeige sie am Empfang: nur dort kann sie wieder zugelassen werden.
own-lost-what = Die Türen weisen diese Karte sofort ab. Rückgängig macht das nur der Empfang.
own-lost-yes = Ja, sie ist verloren
own-membership = Mitgliedschaft
own-membership-none = Du hast zurzeit keine.
own-no-password = Wir schicken dir einen Link, mit dem du hereinkommst. Ein Passwort gibt es nicht.
own-opens-now = Jetzt würde sie öffnen: halte die Karte noch einmal hin.
own-owed = { $amount } sind offen. Frage am Empfang, wie du zahlen kannst.
own-pay = { $amount } zahlen
own-payer = Jemand anderes zahlt für dich, und eine Zahlung fehlt: frage dort nach.
own-pending = Deine erste Zahlung ist nicht angekommen. Deine Karte öffnet noch nichts.
own-pending-from = Deine Mitgliedschaft beginnt am { $date }.
own-per-month = im Monat
own-per-period = je Zeitraum
own-per-year = im Jahr
own-plan = Meinen Tarif wechseln
own-plan-costs-now = Er beginnt sofort, und { $amount } werden berechnet; was von deinem Zeitraum übrig ist, wird angerechnet.
own-plan-costs-then = Er beginnt mit deinem nächsten Zeitraum, und { $amount } werden dann berechnet.
own-plan-see = Sehen, was es kostet
own-plan-none = Es gibt keinen anderen Tarif, in den du selbst wechseln kannst. Frage am Empfang.
own-plan-now = (beginnt sofort)
own-plan-then = (beginnt mit dem nächsten Zeitraum)
own-plan-yes = Ja, meinen Tarif wechseln
own-receipt = Beleg
own-send-link = Link schicken
own-sent = Wenn jemand diese Adresse hat, ist ein Link unterwegs. Er gilt einmal, 15 Minuten lang.
own-sent-not = Nichts da? Sieh im Spam nach, oder frage am Empfang, welche Adresse dort von dir bekannt ist.
own-staff = Sprich mit dem Empfang; dort hilft man dir.
own-stranger = Du hast hier noch keine Mitgliedschaft.
own-stripe-away = Unser Zahlungsdienst antwortet gerade nicht. Es wurde nichts geändert. Versuche es in ein paar Minuten noch einmal.
own-until = bis { $date }
own-until-renewed = bis { $date }, dann wird sie erneuert
own-wait = Zu oft angefragt. Warte eine Stunde, oder suche den Link, der schon gekommen ist.
own-who = Mehrere Menschen haben diese Adresse. Wer bist du?
own-why-shut = Warum hat meine Karte nicht geöffnet?
to-start = Zum Anfang
own-forget-books = Zahlungen, Beträge und Daten bleiben für die Bücher, mit einer Nummer an Stelle deines Namens. Sicherungen des Vereins enthalten das Übrige, bis sie ersetzt werden.
own-forget-cards = Deine Karten öffnen ab jetzt nichts mehr.
own-forget-subscriptions = Deine Abonnements werden nicht mehr erneuert und enden, wenn die Woche vorbei ist. Was du bezahlt hast, wird dadurch nicht zurückgezahlt.
own-forget-week = In einer Woche wird alles gelöscht, was über dich gespeichert ist. Bis dahin kannst du es hier zurücknehmen, oder mit dem Link in dem Brief, den wir dir jetzt schicken.
own-forget-yes = Alles löschen und meine Abonnements beenden
member-export = Alles herunterladen, was über dieses Mitglied gespeichert ist
member-forget = Dieses Mitglied vergessen: Abonnements beenden, in einer Woche alles löschen
member-forgotten-on = Am { $date } wird alles gelöscht, was über dieses Mitglied gespeichert ist.
member-keep = Zurücknehmen
member-kept = Was gespeichert ist
# Letters. What stands in { } is put in when they are sent.
letter-payment-pending-subject = Deine erste Zahlung ist unterwegs
letter-payment-pending-body =
    Hallo { $name },

    deine erste Zahlung an { $club } ist unterwegs. Bis sie da ist, öffnet deine Karte noch nichts; das dauert einige Banktage. Du musst nichts tun.

    So steht es: { $link }
letter-kind-payment-pending = Erste Zahlung unterwegs
letter-first-payment-failed-subject = Deine erste Zahlung kam nicht an
letter-first-payment-failed-body =
    Hallo { $name },

    deine erste Zahlung an { $club } ist gescheitert, deine Mitgliedschaft hat deshalb nicht begonnen. Versuch es noch einmal, vielleicht mit einer anderen Karte oder einem anderen Konto:

    { $link }
letter-kind-first-payment-failed = Erste Zahlung gescheitert
letter-payment-failed-subject = Deine Zahlung ist gescheitert
letter-payment-failed-body =
    Hallo { $name },

    { $amount } für deine Mitgliedschaft bei { $club } konnten nicht eingezogen werden. { $standing }

    Hier kannst du zahlen oder eine andere Karte oder ein anderes Konto angeben:
    { $link }
letter-kind-payment-failed = Zahlung gescheitert
letter-action-required-subject = Deine Bank will, dass du eine Zahlung bestätigst
letter-action-required-body =
    Hallo { $name },

    deine Bank will, dass du { $amount } für deine Mitgliedschaft bei { $club } bestätigst. { $standing }

    Das geht hier:
    { $link }
letter-kind-action-required = Zahlung zu bestätigen
letter-trial-ends-subject = Deine Probezeit endet am { $date }
letter-trial-ends-body =
    Hallo { $name },

    deine Probezeit bei { $club } endet am { $date }. Ab dann wird deine Mitgliedschaft so bezahlt, wie du es gewählt hast; wenn du das nicht willst, beende sie vorher:

    { $link }
letter-kind-trial-ends = Probezeit endet
letter-ends-on-subject = Deine Mitgliedschaft endet am { $date }
letter-ends-on-body =
    Hallo { $name },

    deine Mitgliedschaft bei { $club } endet am { $date }; bis dahin öffnet deine Karte die Türen wie bisher. Wenn du bleiben willst:

    { $link }
letter-kind-ends-on = Mitgliedschaft endet
letter-upgrade-waiting-subject = Dein neuer Tarif wartet auf die Zahlung
letter-upgrade-waiting-body =
    Hallo { $name },

    dein neuer Tarif bei { $club } beginnt, sobald er bezahlt ist. Das muss vor { $date } geschehen; bis dahin gilt dein bisheriger.

    { $link }
letter-kind-upgrade-waiting = Neuer Tarif wartet
letter-upgrade-lapsed-subject = Dein Tarif wurde nicht geändert
letter-upgrade-lapsed-body =
    Hallo { $name },

    dein neuer Tarif bei { $club } wurde nicht rechtzeitig bezahlt, dein bisheriger gilt weiter. Du kannst ihn jederzeit wieder ändern:

    { $link }
letter-kind-upgrade-lapsed = Neuer Tarif nicht bezahlt
letter-payment-ends-subject = Was du bezahlt hast, reicht bis { $date }
letter-payment-ends-body =
    Hallo { $name },

    was du an { $club } bezahlt hast, reicht bis { $date }. Damit deine Karte weiter öffnet, zahl vorher, wie beim letzten Mal oder hier:

    { $link }
letter-kind-payment-ends = Bar Bezahltes endet
letter-grace-ends-subject = Deine Karte öffnet nur noch bis { $date }
letter-grace-ends-body =
    Hallo { $name },

    deine letzte Zahlung an { $club } fehlt noch. Deine Karte öffnet die Türen bis { $date }, dann nicht mehr.

    Zahl hier, und alles bleibt, wie es ist:
    { $link }
letter-kind-grace-ends = Nachfrist endet
letter-lapsed-subject = Warum die Tür zu blieb
letter-lapsed-body =
    Hallo { $name },

    deine Karte wurde an der Tür { $door } von { $club } gezeigt und abgewiesen: Deine Mitgliedschaft ist seit { $date } zu Ende.

    Der Weg zurück dauert eine Minute, und Sekunden später wissen es die Türen:
    { $link }
letter-kind-lapsed = An der Tür abgewiesen
letter-card-lost-subject = Deine Karte ist gesperrt
letter-card-lost-body =
    Hallo { $name },

    deine Karte { $card } wurde bei { $club } als verloren gemeldet. Sie öffnet nichts mehr.

    Wenn sie wieder auftaucht oder wenn du das nicht warst, sag es uns. So steht es: { $link }
letter-kind-card-lost = Karte verloren
letter-sign-in-subject = Dein Link zu { $club }
letter-sign-in-body =
    Hallo { $name },

    mit diesem Link kommst du hinein, einmal, bis { $date }:

    { $link }

    Wenn du ihn nicht verlangt hast, lass ihn liegen: Ohne ihn kommt niemand hinein.
letter-kind-sign-in = Link zum Anmelden
letter-erase-asked-subject = Deine Daten werden am { $date } gelöscht
letter-erase-asked-body =
    Hallo { $name },

    wie gewünscht wird am { $date } alles gelöscht, was { $club } über dich weiß. Deine Karten öffnen nichts mehr. Was wir von Gesetzes wegen behalten müssen, bleibt in den Büchern, ohne deinen Namen.

    Wenn du das nicht warst oder wenn du bleiben willst, nimm es vorher zurück:
    { $link }
letter-kind-erase-asked = Löschung verlangt
letter-invited-subject = Einladung zu { $club }
letter-invited-body =
    Hallo { $name },

    du bekommst Rechte auf dem Server von { $club }. Mit diesem Link wählst du, wie du dich anmeldest, einmal, bis { $date }:

    { $link }
letter-kind-invited = Einladung
letter-attention-subject = { $club }: { $what }
letter-attention-body =
    Hallo { $name },

    { $what }

    Was zu tun ist: { $remedy }

    { $link }

    Solche Briefe kommen zur selben Sache höchstens einmal in der Stunde. Auf deiner eigenen Seite kannst du sie abschalten.
letter-kind-attention = Etwas braucht jemanden
letter-digest-subject = { $club }: die Woche bis { $until }
letter-digest-body =
    Hallo { $name },

    { $club } von { $from } bis { $until }:

    Eingetreten: { $joined }
    Ausgelaufen: { $lapsed }
    In der Nachfrist: { $grace }
    Geld, das niemandem gehört: { $unmatched }

    { $link }
letter-kind-digest = Woche in Zahlen
letter-standing-grace = Deine Karte öffnet die Türen bis { $date }.
letter-standing-in = Deine Karte öffnet die Türen.
letter-standing-out = Deine Karte öffnet im Moment nichts.
mail = Briefe
mail-body = Text
mail-due = nächster Versuch { $at }
mail-example = So liest er sich
mail-language = Sprache der Briefe
mail-no-secrets = Links, denen nur der Empfänger folgen darf, sind weggelassen.
mail-none = Noch wurde niemandem geschrieben.
mail-nowhere = Es ist kein Mailserver eingestellt, deshalb bekommt niemand diese Briefe: Sie liegen im Ordner mail in DATA_DIR, wo nur der Benutzer des Servers sie liest. Setze SMTP_URL und MAIL_FROM.
mail-outcome = Was daraus wurde
mail-over = Für diesen Brief gibt es keinen Grund mehr, deshalb wird sein Text nicht gemacht.
mail-places = Was eingesetzt wird:
mail-preview = Ansehen
mail-reset = Zurück zu unserem Text
mail-staff = Person { $number } mit Rechten
mail-subject = Betreff
mail-text-ours = Das ist unser Text.
mail-text-own = Das ist euer eigener Text.
mail-texts = Texte
mail-waits = wartet
me-mailed = Schreib mir, was nicht warten kann, und montags von der Woche
people-mailed = Er ist auch per Mail unterwegs.
may-letters-see = Briefe sehen
may-letters-write = Texte der Briefe schreiben
may-staff-mailed = Sich schreiben lassen oder nicht
letter-outcome-sent = gesendet
letter-outcome-refused = endgültig abgewiesen
letter-outcome-later = vom Mailserver vertröstet
letter-outcome-unwelcome = der Mailserver nimmt von uns keine
letter-outcome-unreachable = der Mailserver antwortet nicht
letter-outcome-nobody = nicht gesendet: Empfänger fort oder kein Mitglied
letter-outcome-no-address = nicht gesendet: keine Mailadresse
letter-outcome-over = nicht gesendet: gilt nicht mehr
letter-outcome-unreadable = nicht gesendet: von einer anderen Version
letter-example-item = Ein Türrechner hat sich seit zehn Minuten nicht gemeldet; seine Türen arbeiten mit der letzten Liste weiter.
letter-example-remedy = Prüfe Strom und Netz des Rechners.
# --- audit log and passkeys
about-agent = Agenten
about-attention = Zu beachten
about-card = Karten
about-catalogue = Preise
about-command = Befehle an Türen
about-coverage = Plätze
about-customer = Kunden
about-door = Türen
about-gift-card = Geschenkkarten
about-grant = Gegebener Zutritt
about-hold = Sperren
about-import = Import
about-location = Standorte
about-member = Mitglieder
about-membership-type = Mitgliedsarten
about-payment = Zahlungen
about-schedule = Zeitpläne
about-staff = Menschen mit Rechten
about-standing = Stand
about-zone = Zonen
audit = Protokoll
audit-broken = Das Protokoll ist nicht vollständig: { $what }. Vergleiche es mit einer Sicherung.
audit-change = Vorher und nachher
audit-check = Das ganze Protokoll prüfen
audit-erased = mit den Daten des Mitglieds gelöscht
audit-fields = { $count ->
    [one] 1 Feld
   *[other] { $count } Felder
}
audit-member = Nummer des Mitglieds
audit-none = Nichts dergleichen wurde getan.
audit-server = Server
audit-token = Token des Servers
audit-whole = { $count ->
    [one] Das Protokoll ist vollständig: 1 Zeile.
   *[other] Das Protokoll ist vollständig: { $count } Zeilen.
}
may-audit-see = Das Protokoll lesen
may-passkeys-keep = Eigenes Passwort und eigene Passkeys ändern
passkey-add = Passkey anlegen
passkey-help = Ein Passkey liegt auf diesem Telefon, Rechner oder Sicherheitsschlüssel und wird mit dessen PIN, Finger oder Gesicht benutzt. Melde dich damit an, ohne Passwort und ohne Code.
passkey-name = Name des Passkeys
passkey-never = nie benutzt
passkey-remove = Entfernen
passkey-script = Passkeys brauchen einen Browser mit Skripten.
passkey-sign-in = Mit Passkey anmelden
passkey-since = seit { $at }
passkey-used = zuletzt benutzt { $at }
passkeys = Passkeys
passkeys-none = Noch kein Passkey.
password-change = Passwort ändern
password-current = Bisheriges Passwort
password-wrong = Das ist nicht dein Passwort.
people-sign-out = Überall abmelden
sign-in-busy = Zu viele melden sich gerade an. Versuche es in einigen Sekunden wieder.
# --- members at the treasurer's desk
found-all = { $count ->
    [one] 1 Mitglied.
   *[other] { $count } Mitglieder.
}
found-first = Die ersten { $count } Mitglieder; es gibt mehr.
only = Auffällig
only-no_card = ohne Karte
only-paying_nothing = drin, ohne zu zahlen
busiest = Vollste Stunde
details = Genauer
format-month = %m/%y
format-weekday = %d.%m.
from = Von
may-notes-erase = Notizen löschen
may-notes-see = Notizen lesen
may-notes-write = Notizen über Mitglieder schreiben
note-erase = Löschen
note-erased = gelöscht von { $name }, { $at }
note-write = Notiz schreiben
notes = Notizen
refused-times = Abgewiesen
timeline = Das letzte Jahr
timeline-of = Wie das letzte Jahr für { $name } war; dasselbe steht in der Tabelle darunter.
timeline-one = Nur das letzte Jahr
timeline-table = Dasselbe als Tabelle
timeline-two = Zwei Jahre
until-day = Bis
visits = Besuche
visits-count = { $count ->
    [one] 1 Besuch
   *[other] { $count } Besuche
}
visits-counted = { $passed } eingelassen, { $refused } abgewiesen
week = Diese Woche
week-drawn = Besuche der letzten sieben Tage nach Tag und Stunde; dasselbe steht in der Tabelle darunter.
bulk-after = Danach
bulk-all = Alle, die passen
bulk-approved = So gewollt, obwohl so viele auf einmal den Zugang verlieren
bulk-before = Vorher
bulk-cards_lost = Karten als verloren melden
bulk-change_type = Ändern, wofür Bargeld bezahlt
bulk-choose = Auswählen
bulk-chosen = { $count ->
    [one] 1 Mitglied ist ausgewählt.
   *[other] { $count } Mitglieder sind ausgewählt.
}
bulk-days = Tage mehr
bulk-done = { $count ->
    [one] Erledigt, bei 1 Mitglied.
   *[other] Erledigt, bei { $count } Mitgliedern.
}
bulk-end_holds = Sperren aufheben
bulk-export = Als Tabelle speichern
bulk-extend = Verlängern, wofür Bargeld bezahlt
bulk-go = Weiter
bulk-grant = Zugang geben
bulk-hold = Zugang sperren
bulk-keyholder = Zu Schlüsselträgern machen
bulk-label = Ihre Karten benennen
bulk-lost = { $count ->
    [one] 1 Mitglied verliert den Zugang.
   *[other] { $count } Mitglieder verlieren den Zugang.
}
bulk-no_keyholder = Keine Schlüsselträger mehr
bulk-preview = Zeigen, was es bewirkt
bulk-what = Mit den Ausgewählten
bulk-would = Das würde geschehen
bulk-yes = { $count ->
    [one] Ausführen, bei 1 Mitglied
   *[other] Ausführen, bei { $count } Mitgliedern
}
may-members-bulk = Mit vielen Mitgliedern auf einmal etwas tun
may-members-export = Mitglieder als Tabelle speichern
number = Nummer
unaffected-already_so = ist schon so
unaffected-no_card = keine gültige Karte
unaffected-no_cash = kein laufendes Bargeld
unaffected-no_hold = nicht gesperrt
form-decimal = dezimal: 0077705923
form-hexadecimal = hexadezimal: 04A1B2C3
form-wiegand = drei und fünf Ziffern: 118,02135
holds-amount = Betrag
holds-cards = Karten
holds-currency = Währung
holds-first_name = Vorname
holds-last_name = Nachname
holds-mail = Mailadresse
holds-membership = Mitgliedschaft
holds-name = Name
holds-nothing = (weglassen)
holds-paid_until = Bezahlt bis
import = Aus einem anderen System umziehen
import-again = Noch einmal ansehen
import-all = { $count ->
    [one] 1 Zeile übernehmen
   *[other] Alle { $count } Zeilen übernehmen
}
import-before = Früher übernommen
import-column = Spalte
import-columns = Was in den Spalten steht
import-currency = Währung von Beträgen ohne eine
import-done = Das wurde übernommen
import-faults = { $count ->
    [one] 1 Fehler
   *[other] { $count } Fehler
}
import-file = Tabelle (CSV)
import-form = Kartennummern
import-good = { $count ->
    [one] Die 1 gute Zeile übernehmen
   *[other] Die { $count } guten Zeilen übernehmen
}
import-how = Speichern Sie die Mitglieder des anderen Systems als Tabelle (CSV), mit den Namen der Spalten in der ersten Zeile. Was geschähe, wird zuerst gezeigt; dieselbe Tabelle noch einmal fügt nichts hinzu.
import-is-new = neu,
import-known = { $count ->
    [one] 1 Zeile bringt nichts Neues
   *[other] { $count } Zeilen bringen nichts Neues
}
import-left = Diese Mitglieder blieben, wie sie sind:
import-look = Ansehen
import-made = { $count ->
    [one] 1 neues Mitglied
   *[other] { $count } neue Mitglieder
}
import-paid = bezahlt
import-payments = { $count ->
    [one] 1 Zahlung
   *[other] { $count } Zahlungen
}
import-row = Zeile
import-type = Mitgliedschaft der Zeilen ohne eine
import-undo = Alles rückgängig machen
import-undone = { $count ->
    [one] Bei 1 Mitglied rückgängig gemacht.
   *[other] Bei { $count } Mitgliedern rückgängig gemacht.
}
import-upload = Eine Tabelle
import-was-undone = rückgängig gemacht { $at }
import-what = Was falsch ist, und was zu tun ist
none = keine
left-came = war seither an einer Tür
left-changed = seither von Mitarbeitern geändert
left-pays = zahlt über Stripe
trouble-alike = Leser, die nur die letzten Bytes einer Karte sehen, können diese nicht von einer anderen unterscheiden: eine andere Karte nehmen.
trouble-amount = Das ist kein Betrag: wie 40,00 schreiben oder leer lassen.
trouble-currency = Die Währung in drei Buchstaben schreiben, wie EUR.
trouble-customer = Stripe kennt diesen Kunden nicht.
trouble-day = Das ist kein Tag: wie 31.12.2026 oder 2026-12-31 schreiben oder leer lassen.
trouble-decimal = Dezimale Kartennummern haben bis zu 17 Ziffern, wie 0077705923.
trouble-different = Mailadresse und Karten gehören verschiedenen Mitgliedern: erst beide ansehen.
trouble-hexadecimal = Hexadezimale Kartennummern haben 3 bis 10 Bytes zu je zwei Ziffern, wie 04A1B2C3.
trouble-mail = Eine Mailadresse hat ein @ und keine Leerzeichen: berichtigen oder leer lassen.
trouble-name = Ein Name hat 1 bis 200 Zeichen: einen schreiben.
trouble-nameless = Die Zeile braucht eine Mailadresse oder eine Karte, an der das Mitglied wiedererkannt wird.
trouble-no_type = Es fehlt, wofür bezahlt wurde: hier eine Mitgliedschaft nennen oder eine für alle Zeilen ohne wählen.
trouble-rounded = Die Tabelle hat diese Nummer gerundet: dort die Spalte als Text formatieren, die Nummer neu tippen, noch einmal speichern.
trouble-same_card = Zeile { $about } hat dieselbe Karte: eine Karte gehört einem Mitglied.
trouble-same_mail = Zeile { $about } hat dieselbe Mailadresse: sie einer von beiden lassen, die andere erkennt man an einer Karte.
trouble-shared_mail = Mehrere Mitglieder haben diese Mailadresse: der Zeile eine Karte des gemeinten geben.
trouble-unknown_type = Diese Mitgliedschaft gibt es nicht: erst anlegen oder eine von { $about } schreiben.
trouble-wiegand = Solche Kartennummern schreibt man wie 118,02135: bis 255 und bis 65535.
# --- sentences of standing, doors and the attention list
amount-unknown = einen unbekannten Betrag
and-further = { $one }; { $other }
attention-active-without-payment = Stripe führt ein Abonnement weiter, obwohl seine Rechnung storniert oder abgeschrieben wurde. Der Zutritt bleibt.
attention-audit-rewritten = Das Protokoll ist nicht das, das vorher gesehen wurde: Zeilen wurden geändert oder fehlen.
attention-audit-rewritten-broken = Das Protokoll ist nicht heil: { $what }.
attention-cancelled-early = Ein Abonnement wurde gekündigt, bevor seine bezahlte Zeit um war. Der Zutritt bleibt bis zum bezahlten Ende.
attention-cannot-forget = Ein Mitglied soll vergessen werden, und ein Abonnement läuft noch, das nicht beendet werden konnte.
attention-catalogue-change = Ein Preis, nach dem Mitglieder zahlen können, nennt jetzt eine andere Mitgliedsart. Nichts wurde geändert.
attention-confirm-link = Ein Kunde wurde mit dem einzigen Mitglied verbunden, das seine Mailadresse hat.
attention-disconnected = Der Inhaber des Stripe-Kontos hat dieser Plattform den Zugang genommen: Von Zahlungen ist nichts mehr zu erfahren. Niemand hat dadurch den Zutritt verloren; wer weiter zahlt, wird nicht gesehen.
attention-dispute = Eine Zahlung wird angefochten. Am Zutritt hat das nichts geändert.
attention-dispute-inquiry = Die Bank fragt nach einer Zahlung des laufenden Zeitraums. Am Zutritt hat das nichts geändert.
attention-dispute-lost = Eine Anfechtung ging verloren, das Geld ist weg. Am Zutritt hat das nichts geändert.
attention-door-ahead = Eine Tür hat eine neuere oder andere Liste als dieser Server; an ihren Bereich wird nichts mehr gesendet.
attention-duplicate-subscription = Zwei Abonnements geben demselben Mitglied dieselbe Mitgliedsart: Es wird doppelt bezahlt.
attention-events-lost = Agent { $agent } hat { $lost } Ereignisse seiner Türen verloren; bei { $grants } davon wurde jemandem geöffnet.
attention-exit-stuck = Ein Türtaster ist länger gedrückt, als jemand ihn drückt.
attention-fire = Der Brandmeldeeingang ist aktiv; das Schloss ist in Hardware freigegeben.
attention-forced = Die Tür wurde geöffnet, obwohl nichts sie freigegeben hatte.
attention-fraud-warning = Der Herausgeber einer Zahlungskarte vermutet Betrug. Am Zutritt hat das nichts geändert.
attention-gift-card = Eine Geschenkkarte wird eingelöst, und Stripe hat es noch nicht bestätigt.
attention-granted-not-active = Ein Zutritt von Hand ohne Ende lässt das Mitglied hinein, obwohl bei Stripe alles geendet hat.
attention-guessing = Viele verschiedene unbekannte Karten wurden innerhalb einer Minute vorgezeigt.
attention-held-open = Die Tür steht zu lange offen.
attention-invoice-stuck = Stripe konnte eine Rechnung nicht fertigstellen (oft wegen einer Steueradresse); so wird sie nicht bezahlt.
attention-late-news = Alte Nachrichten von Stripe würden { $count } Mitgliedern auf einmal den Zutritt nehmen. Was ihn nähme, wartet.
attention-list-not-kept-degraded = Eine Tür geht von einer älteren Liste aus: Die neueste auf ihrem Speicher war nicht lesbar.
attention-list-not-kept-volatile = Eine Tür hat ihre Liste nur im Arbeitsspeicher: Das Speichern schlug fehl, und nach einem Neustart geht sie von einer älteren aus.
attention-lock-fault = Das Schloss tut nicht, was es soll.
attention-mail-refused = Der Mailserver hat einen Brief an { $whom } nicht angenommen: { $what }. Er wird nicht noch einmal versucht.
attention-mail-stuck = Der Mailserver antwortet nicht. Briefe warten.
attention-mail-stuck-unwelcome = Der Mailserver nimmt von diesem Server keine Briefe an ({ $code }). Sie warten.
attention-mandate-ended = Eine Bank lässt den Verein nicht mehr von einem Konto einziehen; die nächste Verlängerung wird scheitern.
attention-mass-brake = { $cause } würde { $count } Mitgliedern auf einmal den Zutritt nehmen. Niemand hat ihn verloren.
attention-messages-refused = Eine Tür hat { $count } Nachrichten abgelehnt, denen sie nicht trauen oder die sie nicht brauchen kann.
attention-near-miss = Ein Preis sieht aus, als sollte er eine Mitgliedsart nennen, tut es aber nicht.
attention-needs-card = Ein neues Mitglied zahlt und hat noch keine Karte.
attention-out-of-contact = Ein Türagent hat sich seit zehn Minuten nicht gemeldet; seine Türen gehen von ihrer letzten Liste aus.
attention-paid-but-refused = Tür { $door } hat ein Mitglied abgewiesen, das hinein darf. Für die Tür war es so: { $why }
attention-payment-ending = Was von Hand bezahlt wurde, ist binnen einer Woche aufgebraucht.
attention-pin-locked = { $what }
attention-poisoned-event = Ein Ereignis von Stripe konnte nicht angewendet werden; es bleibt erhalten.
attention-proposed-link = Ein Kunde zahlt für eine Mitgliedschaft und hat die Mailadresse von genau einem Mitglied.
attention-reader-gone = Der Leser antwortet nicht: Mit Karte kommt niemand hinein.
attention-reconciliation-brake = Der Abgleich mit Stripe würde { $count } Mitgliedern auf einmal den Zutritt nehmen. Niemand hat ihn verloren.
attention-refund = Alles, was für den laufenden Zeitraum gezahlt wurde, wurde erstattet. Am Zutritt hat das nichts geändert.
attention-revoked-card-held = Eine Karte eines gesperrten Mitglieds wurde vorgezeigt und abgewiesen.
attention-revoked-card-lost = Eine verloren gemeldete Karte wurde vorgezeigt und abgewiesen.
attention-seat-removed = Es sind weniger Plätze bezahlt, als Mitglieder benannt sind. Wer zuletzt benannt wurde, behält den Zutritt bis zum Ende des Zeitraums.
attention-seat-unnamed = Plätze sind bezahlt und gelten für niemanden.
attention-stream-withheld = Eine Tür meldet sich, hat aber seit zehn Minuten keinen unterschriebenen Listenstand ihres Bereichs gesehen.
attention-stripe-not-readable = Stripe lässt sich mit diesem Schlüssel nicht lesen. Niemand hat den Zutritt verloren.
attention-stripe-not-readable-other = Der Stripe-Schlüssel gehört zu einem anderen Konto oder Modus als dem bekannten. Niemand hat den Zutritt verloren.
attention-stripe-unreachable = Stripe konnte nach einem Kunden nicht gefragt werden; was bekannt ist, gilt weiter.
attention-stripe-unreachable-implausible = Stripe zeigt Abonnements nicht mehr, die es vorher zeigte; sie gelten weiter.
attention-stripe-unreachable-unreadable = Die Antwort von Stripe zu einem Kunden war nicht lesbar; was bekannt ist, gilt weiter.
attention-tamper = Ein Deckel wurde geöffnet oder ein Leser von der Wand genommen.
attention-thin-events = Stripe sendet Ereignisse ohne ihren Inhalt, und es gibt keinen Schlüssel, um nachzufragen. Sie bleiben erhalten.
attention-two-agents = Zwei Agenten geben sich als derselbe aus: Dieselbe Ereignisnummer kam mit zwei Inhalten.
attention-two-customers = Zwei Kunden bei Stripe, die dasselbe Mitglied sind, zahlen gleichzeitig.
attention-two-doors = Karten eines Mitglieds passierten Tür { $one } am { $then } und Tür { $other } am { $later }: schneller, als jemand von der einen zur anderen kommt.
attention-type-lost = Der Tarif eines zahlenden Mitglieds nennt keine Mitgliedsart mehr. Die letzte gilt bis zum bezahlten Ende.
attention-unknown-status = Stripe zeigt einen Zustand, den diese Version nicht kennt. Was entschieden war, gilt bis zum bezahlten Ende.
attention-unknown-type = Preise nennen die Mitgliedsart `{ $type }`, die es nicht gibt: Wer danach zahlt, bekommt den Ersatz dafür oder keine.
attention-unmatched-customer = Ein Kunde zahlt für eine Mitgliedschaft, und es ist nicht bekannt, wer er ist.
attention-unmatched-customer-several = Ein Kunde zahlt für eine Mitgliedschaft, und mehrere Mitglieder haben seine Mailadresse.
attention-unmatched-payment = Eine Zahlung kam von einem Kunden, der zu niemandem gehört, und sieht aus wie die eines Mitglieds.
attention-webhooks-unverified = Webhooks kommen an und lassen sich nicht prüfen: STRIPE_WEBHOOK_SECRET ist nicht gesetzt. Sie werden mit 503 abgelehnt.
attention-webhooks-unverified-clock = Webhooks kommen richtig unterschrieben an, aber mehr als 5 Minuten neben der Uhr dieses Servers. Sie werden mit 400 abgelehnt.
attention-webhooks-unverified-other = Webhooks kommen an, die mit einem anderen Geheimnis als STRIPE_WEBHOOK_SECRET unterschrieben sind. Sie werden mit 400 abgelehnt.
badge-alarm-over = Es ist vorbei: { $alarm }
badge-closed = Die Tür wurde geschlossen.
badge-command-done = Befehl { $number } wurde ausgeführt.
badge-command-refused = Befehl { $number } wurde abgelehnt.
badge-exit = Der Türtaster wurde gedrückt.
badge-gap = { $lost } Ereignisse konnten nicht behalten werden, davon { $grants } Öffnungen.
badge-local-opened = Jemand am Gerät hat die Tür geöffnet.
badge-local-released = Jemand am Gerät hat die Tür freigegeben.
badge-opened = Die Tür wurde geöffnet.
badge-refusals = Eine Karte, die die Liste nicht kennt, wurde noch { $count } Mal vorgezeigt.
badge-rejected = Eine Nachricht wurde abgelehnt: { $why }.
badge-started = Der Agent ist gestartet.
badge-unreadable = Diese Version kann das Ereignis nicht lesen.
because-admin = Von Hand gegeben.
because-grant = Zutritt von Hand { $id } durch { $who }: { $reason }
because-grant-gone = Zutritt von Hand { $id }.
because-hand = Von Hand bezahlt.
because-payment = Zahlung { $id }: { $source } über { $amount } am { $at }.
because-payment-gone = Zahlung { $id }.
because-subscription = Abonnement { $id }: { $why }
both = { $one } und { $other }
broken-changed = Zeile { $line }, an Stelle { $place }, wurde geändert
broken-end = Stelle { $place } fehlt
broken-missing = Stelle { $place } fehlt, vor Zeile { $line }
cause-cancelled = Es wurde gekündigt.
cause-ended-by-hand = Es wurde von Hand beendet, obwohl bezahlte Zeit übrig war.
cause-ending = Es endet zu einem vorher gesetzten Zeitpunkt.
cause-first-invoice = Die erste Rechnung ist noch nicht fällig.
cause-forgiven = Die Rechnung des laufenden Zeitraums wurde storniert oder abgeschrieben.
cause-grace = Die Verlängerung schlug fehl; Stripe versucht es weiter.
cause-paid = Der laufende Zeitraum ist bezahlt.
cause-paused = Das Einziehen pausiert, und die Rechnungen werden storniert.
cause-renewing = Die Rechnung des laufenden Zeitraums ist noch nicht bezahlt.
cause-reversed = Die Zahlung des laufenden Zeitraums wurde erstattet oder angefochten.
cause-seat-removed = Der Platz wurde weggenommen.
cause-trial = Die Probezeit läuft.
cause-type-lost = Der Tarif nennt keine Mitgliedsart mehr; die letzte gilt bis zum bezahlten Ende.
cause-unknown-status = Stripe nennt einen Zustand, den diese Version nicht kennt; es kommt nichts Neues hinzu.
cause-unpaid = Stripe hat das Einziehen aufgegeben.
charge-all = { $amount } wurden berechnet ({ $record }).
charge-credit-made = { $amount } wurden Guthaben.
charge-credit-used = { $amount } Guthaben wurden verbraucht.
charge-left = { $amount } bleiben für die nächste Rechnung.
charge-left-before = { $amount } davon kamen von einer früheren Rechnung.
charge-nothing = Nichts wurde berechnet ({ $record }): { $why }
charge-off = Es nahm { $amount } von { $record }.
charge-part = Es waren { $amount } von { $record }.
charge-unknown = Wie viel, ist nicht bekannt ({ $record }).
either = { $one }, oder { $other }
ended-by-hand = Sie wurde von Hand beendet.
ended-cancelled = Sie wurde gekündigt.
ended-ending = Ihr Ende war vorher gesetzt.
ended-first-invoice = Die erste Rechnung wurde nicht rechtzeitig bezahlt.
ended-gone = Worauf sie beruhte, wurde weggenommen.
ended-grace = Die Verlängerung schlug fehl, und die Schonfrist war um.
ended-paused = Sie wurde angehalten.
ended-period = Der Zeitraum war um, und kein weiterer wurde bezahlt.
ended-renewal = Keine Verlängerung wurde rechtzeitig bezahlt.
ended-reversed = Ihre Zahlung wurde erstattet oder angefochten.
ended-seat-removed = Der Platz wurde weggenommen.
ended-trial = Die Probezeit war um, und nichts wurde bezahlt.
ended-type-lost = Ihr Tarif nannte keine Mitgliedsart mehr.
ended-unpaid = Stripe hat das Einziehen aufgegeben.
ended-up = Ihre Zeit war um.
entry-ended = eine Karte wird abgewiesen, denn der Zutritt zu diesem Bereich hat geendet
entry-held = eine Karte wird als gesperrt abgewiesen
entry-induction = eine Karte wird abgewiesen, bis eine Einweisung vermerkt ist
entry-lapsed = eine Karte wird als ausgelaufen abgewiesen
entry-lost = eine Karte wird als verloren abgewiesen
entry-opens = eine Karte öffnet { $hours }
entry-opens-until = eine Karte öffnet { $hours } bis { $until }
entry-pin = { $rights }, und die Tür fragt nach einer PIN { $hours }
entry-pin-none = { $rights }, aber die Tür fragt nach einer PIN { $hours }, und das Mitglied hat keine
explain-access = { $type } { $span }. { $because }
explain-access-not-now = { $type } { $span }, was in diesem Augenblick nicht gilt. { $because }
explain-cause = { $cause }, am { $at }.
explain-changed = Am { $at } hat es sich geändert: { $cause }.
explain-door-opens = öffnet. { $why }
explain-door-pin = fragt nach einer PIN und öffnet, wenn die richtige getippt wird.
explain-door-shut = bleibt zu. { $why }
explain-door-without = bleibt zu: { $why }.
explain-from = ab { $from } { $end }
explain-good = Mitglied in Ordnung, ohne Ende.
explain-good-until = Mitglied in Ordnung, nach jetzigem Stand bis { $until }.
explain-grace = Darf hinein, aber eine Zahlung fehlt; von { $until } an nicht mehr.
explain-held = Gesperrt bis zur Aufhebung (Sperre { $hold }).
explain-held-until = Gesperrt bis { $until } (Sperre { $hold }).
explain-held-why = { $held } Grund: { $reason }
explain-lapsed = Darf seit { $since } nicht mehr hinein.
explain-listed = seit Stand { $revision }: { $cards }.
explain-next = Nach der Uhr wird am { $at } wieder nachgesehen.
explain-no-card = das Mitglied hat keine Karte
explain-no-card-or-type = das Mitglied hat keine Karte, oder Mitgliedsarten, die sie nicht öffnen
explain-no-type = die Mitgliedsarten öffnen sie nicht
explain-nothing-next = Durch die Uhr ändert sich nichts.
explain-pending = Darf noch nicht hinein: Die erste Zahlung ist nicht angekommen.
explain-pending-from = Darf noch nicht hinein; von { $from } an.
explain-stranger = Darf nicht hinein: Nichts gibt Zutritt.
explain-type = `{ $name }` ({ $id })
explain-type-gone = `{ $id }`
explain-unknown = Über den Stand dieses Mitglieds war damals nichts bekannt.
explain-unlisted = nichts auf der Liste: { $why }.
explain-until = bis { $until }
explain-until-ended = ohne Ende
explain-until-renewed = bis { $until }, wenn nicht verlängert wird
free-credit = Guthaben des Kunden hat dafür gezahlt: eine Geschenkkarte, oder was ein Tarifwechsel übrig ließ.
free-credited = Gutschriften haben den Rest abgedeckt.
free-discount = Ein Rabatt hat alles abgedeckt.
free-elsewhere = Es wurde als außerhalb von Stripe bezahlt vermerkt.
free-proration = Was vom alten Tarif übrig war, war ebenso viel wert.
free-too-small = Es war weniger als der kleinste Betrag bei Stripe und kommt mit der nächsten Rechnung.
free-trial = Es war nichts zu zahlen: eine Probezeit, oder ein Preis von null.
happened = { $place } am { $at }: { $what }
hours-all = zu jeder Stunde
hours-gone = nie, denn ihr Zeitplan fehlt
hours-of = nach Zeitplan `{ $schedule }`
missing-any-fact = Es braucht ein Abonnement, dessen Kunde mit dem Mitglied verbunden ist, eine Zahlung von Hand oder Zutritt von Hand.
missing-begun = Nichts muss geschehen; es beginnt am { $from }.
missing-due = Was fällig ist, muss bei Stripe bezahlt werden.
missing-first-payment = Die erste Zahlung muss ankommen.
missing-lifted = Sperre { $hold } muss aufgehoben werden.
missing-named = Der Tarif des Abonnements { $subscription } muss eine Mitgliedsart nennen.
missing-owed = { $invoice } über { $amount }
missing-paid = Rechnung { $owed } muss bezahlt werden.
missing-renewed = Es braucht ein neues Abonnement, eine Zahlung von Hand oder Zutritt von Hand.
missing-resumed = Abonnement { $subscription } muss bei Stripe fortgesetzt werden.
missing-seated = Der Platz des Abonnements { $subscription } muss wieder bezahlt werden.
place-agent = Agent { $name }
place-door = Tür { $name }
reader-customer = Kunde { $id }
reader-member = Mitglied { $number }
reader-staff = Person { $number } mit Rechten
remedy-active-without-payment = Treib das Geld ein, kündige das Abonnement, oder lass es, wenn der Zeitraum ein Geschenk ist.
remedy-audit-rewritten = Nach dem Einspielen einer Sicherung ist das zu erwarten. Sonst starte `goodstanding check` und vergleiche mit einer Sicherung.
remedy-audit-rewritten-broken = Vergleiche es mit einer Sicherung und finde heraus, wer in die Datenbank schreiben kann.
remedy-cancelled-early = Beende seinen Zutritt jetzt, oder lass ihn bis zum bezahlten Ende.
remedy-cannot-forget = Beende die Abonnements des Mitglieds bei Stripe; das Übrige geschieht dann von selbst.
remedy-catalogue-change = Nimm die Änderung an oder setze den alten Namen bei Stripe wieder ein.
remedy-confirm-link = Bestätige, dass der Kunde dieses Mitglied ist.
remedy-disconnected = Lass den Inhaber das Konto wieder verbinden, dann versuche es hier noch einmal.
remedy-dispute = Beantworte sie bei Stripe.
remedy-dispute-inquiry = Beantworte sie bei Stripe.
remedy-dispute-lost = Entscheide, ob das Mitglied bleibt; um den Zutritt zu nehmen, sperre es.
remedy-door-ahead = Wurde dieser Server aus einer Sicherung zurückgespielt, starte `goodstanding new-epoch`.
remedy-duplicate-subscription = Kündige eines davon bei Stripe, oder sag, für wen es gilt.
remedy-events-lost = Starte dort `door-agent check`: Der Speicher ist voll oder verschlissen, oder der Agent war zu lange ohne diesen Server.
remedy-exit-stuck = Löse den Türtaster; er klemmt, oder jemand hält ihn.
remedy-fire = Brennt es nicht, finde, was den Eingang ausgelöst hat, und setze ihn zurück.
remedy-forced = Sieh nach, wer da ist; hat niemand sie aufgebrochen, prüfe Türkontakt und Türtaster.
remedy-fraud-warning = Sieh dir die Zahlung bei Stripe an; um den Zutritt zu nehmen, sperre das Mitglied.
remedy-gift-card = Es erledigt sich von selbst; bleibt dies stehen, prüfe den Zustand von Stripe und den Schlüssel.
remedy-granted-not-active = Beende den Zutritt von Hand, oder lass ihn, wenn er so gemeint ist.
remedy-guessing = Sieh nach, wer am Leser steht; Karten von Mitgliedern werden trotzdem bedient.
remedy-held-open = Schließ die Tür; ist sie zu, prüfe den Türkontakt.
remedy-invoice-stuck = Berichtige die Rechnung bei Stripe und stelle sie fertig.
remedy-late-news = Vergleiche mit Stripe (`goodstanding reconcile --dry-run`), dann sag Ja.
remedy-list-not-kept = Starte dort `door-agent check`; versagt die SD-Karte, ersetze sie vor dem nächsten Stromausfall.
remedy-lock-fault = Prüfe Schloss, Verdrahtung und Stromversorgung; achte bis dahin darauf, dass die Tür zu ist.
remedy-mail-refused = Sieh nach, ob die Mailadresse stimmt, und sag es auf anderem Weg.
remedy-mail-stuck = Prüfe SMTP_URL und MAIL_FROM und ob der Mailserver läuft; Briefe werden von selbst wieder versucht.
remedy-mandate-ended = Sieh das Mandat bei Stripe nach und bitte um einen anderen Zahlungsweg.
remedy-mass-brake = Sieh dir die betroffenen Mitglieder an, dann sag Ja oder behebe die Ursache.
remedy-messages-refused = Die Ereignisse des Agenten nennen die Ursachen; prüfe, wer den Broker sonst noch erreicht.
remedy-near-miss = Schreibe `membertype_X-` vor seine Beschreibung oder setze seine Metadaten.
remedy-needs-card = Melde eine Karte für das Mitglied an.
remedy-out-of-contact = Prüfe Strom und Netz des Agenten.
remedy-paid-but-refused = Liste oder Uhr der Tür sind zurück: Bring ihren Agenten in Kontakt und lass die Liste neu senden.
remedy-payment-ending = Bitte das Mitglied um die nächste Zahlung.
remedy-pin-locked = Frag das Mitglied; war es jemand anders, melde die Karte verloren und gib dem Mitglied eine neue PIN.
remedy-poisoned-event = Sieh es dir unter Ereignisse an, dann wende es noch einmal an oder bitte um Hilfe.
remedy-proposed-link = Verbinde den Kunden mit dem richtigen Mitglied.
remedy-reader-gone = Prüfe Kabel, Stromversorgung und Gerätenamen des Lesers; `door-agent check` hilft.
remedy-reconciliation-brake = `goodstanding reconcile --dry-run` zeigt sie; dann `goodstanding reconcile --yes`, oder behebe die Ursache.
remedy-refund = Entscheide, ob das Mitglied bleibt; um den Zutritt zu nehmen, sperre es.
remedy-seat-removed = Stimme zu, oder benenne ein anderes Mitglied derselben Position, das seinen Platz abgibt.
remedy-seat-unnamed = Benenne die Mitglieder, für die die Plätze gelten.
remedy-stream-withheld = Prüfe den Broker: Er verzögert oder verwirft, was der Server sendet.
remedy-stripe-not-readable = Setze STRIPE_SECRET_KEY auf einen Schlüssel des richtigen Kontos und Modus.
remedy-stripe-not-readable-connected = Setze STRIPE_SECRET_KEY auf den Schlüssel der Plattform und sieh nach, ob das Konto mit ihr verbunden ist.
remedy-stripe-unreachable = Es wird von selbst wiederholt; bleibt dies stehen, prüfe den Zustand von Stripe und den Schlüssel.
remedy-tamper = Sieh dir Leser und Gehäuse an; war jemand darin, sperre den Agenten und koppele ihn neu.
remedy-thin-events = Setze STRIPE_SECRET_KEY oder lass Stripe vollständige Ereignisse (Snapshot) an diese Adresse senden.
remedy-two-agents = Finde die Kopie, sperre den Agenten und koppele ihn neu.
remedy-two-customers = Kündige ein Abonnement bei Stripe, wenn es versehentlich gekauft wurde.
remedy-two-doors = Frag das Mitglied, wer die Karten hatte; wurde eine kopiert oder verliehen, melde sie verloren und gib eine andere.
remedy-type-lost = Gib dem Preis sein Kennzeichen wieder, oder gib dem Mitglied einen Preis mit Kennzeichen.
remedy-unknown-status = Aktualisiere den Server, oder gib bis dahin Zutritt von Hand.
remedy-unknown-type = Lege die Art an, lass eine andere für sie gelten oder gib den Preisen bei Stripe einen anderen Namen.
remedy-unmatched-customer = Verbinde den Kunden mit dem richtigen Mitglied.
remedy-unmatched-payment = Verbinde den Kunden mit dem Mitglied; soll sie Türen öffnen, gib Zutritt für die bezahlte Zeit.
remedy-webhooks-unverified = Setze STRIPE_WEBHOOK_SECRET auf das Signaturgeheimnis, das Stripe am Endpunkt zeigt; Stripe sendet sie erneut.
remedy-webhooks-unverified-clock = Stelle die Uhr des Servers; Stripe sendet sie erneut. Geht die Uhr richtig, spielt jemand alte Zustellungen wieder ab, und nichts geht verloren.
remedy-webhooks-unverified-other = Zeigt Stripe am Endpunkt gescheiterte Zustellungen, setze STRIPE_WEBHOOK_SECRET auf das Geheimnis, das dort steht; Stripe sendet sie erneut. Zeigt es keine, klopft jemand anders an, und nichts geht verloren.
sentences = { $one } { $other }
source-cash = Bargeld
source-transfer = Überweisung
story-changed = { $type } statt { $before }.
story-ended = { $type } hat geendet. { $why }
story-lapsed = { $type } ist ausgelaufen. { $why }
story-opened = Mitglied als { $type }.
story-paid = Für { $type } wurde etwas gezahlt.
story-renewed = { $type } wurde verlängert bis { $until }.
story-voided = Was für { $type } gezahlt war, wurde für nichtig erklärt ({ $cause }).
# --- deeds of the audit log, refusals
deed-agent-code = Kopplungscode gemacht
deed-agent-create = Agent angelegt
deed-agent-pair = Agent gekoppelt
deed-agent-revoke = Agent gesperrt
deed-attention-resolve = Punkt der Aufmerksamkeitsliste erledigt
deed-card-enrol = Karte angemeldet
deed-card-found = Karte wiedergefunden
deed-card-give = Karte gegeben
deed-card-label = Karte benannt
deed-card-lost = Karte verloren gemeldet
deed-card-name = Karte benannt
deed-card-returned = Karte zurückgenommen
deed-catalogue-map = Mitgliedsart eines Preises bestimmt
deed-catalogue-retrofit = Mitgliedsart in einen Preis geschrieben
deed-catalogue-unmap = Name des Preises gilt wieder
deed-command = Tür etwas befohlen
deed-coverage-free = Platz frei gemacht
deed-coverage-name = Platz vergeben
deed-customer-link = Kunden verbunden
deed-discount-create = Rabattcode gemacht
deed-door-put = Tür geändert
deed-door-remove = Tür entfernt
deed-gift-card-issue = Geschenkkarte ausgegeben
deed-gift-card-redeem = Geschenkkarte eingelöst
deed-gift-card-redeemed = Geschenkkarte bestätigt
deed-gift-card-void = Geschenkkarte für nichtig erklärt
deed-grant-create = Zutritt gegeben
deed-grant-end = Gegebenen Zutritt beendet
deed-hold-create = Mitglied gesperrt
deed-hold-end = Sperre aufgehoben
deed-import = Mitglieder übernommen
deed-import-undo = Übernahme rückgängig gemacht
deed-inbox-replay = Ereignis noch einmal angewendet
deed-induction-note = Einweisung vermerkt
deed-induction-take-back = Einweisung zurückgenommen
deed-keyholders-name = Schlüsselträger bestimmt
deed-letter-text = Text eines Briefs geschrieben
deed-loaner-add = Leihchip hinzugefügt
deed-loaner-lend = Leihchip verliehen
deed-loaner-remove = Leihchip entfernt
deed-loaner-return = Leihchip zurückgenommen
deed-location-put = Standort geändert
deed-member-change = Mitglied geändert
deed-member-create = Mitglied angelegt
deed-member-forget = Vergessen eines Mitglieds verlangt
deed-member-keep = Mitglied doch behalten
deed-member-plan-change = Tarifwechsel verlangt
deed-member-plan-changed = Tarif gewechselt
deed-membership-type-put = Mitgliedsart geändert
deed-note-erase = Notiz gelöscht
deed-note-write = Notiz geschrieben
deed-organisation-change = Einstellungen des Vereins geändert
deed-payment-change = Zweck einer Zahlung geändert
deed-payment-extend = Zeitraum einer Zahlung verlängert
deed-payment-record = Zahlung erfasst
deed-payment-void = Zahlung für nichtig erklärt
deed-pin-remove = PIN entfernt
deed-pin-set = PIN gesetzt
deed-schedule-put = Zeitplan geändert
deed-staff-arrive = Zum ersten Mal hereingekommen
deed-staff-identity-add = Konto bei einem Anbieter verknüpft
deed-staff-identity-remove = Konto bei einem Anbieter gelöst
deed-staff-invite = Jemanden eingeladen
deed-staff-mailed = Briefe an Personen mit Rechten umgestellt
deed-staff-passkey-add = Passkey hinzugefügt
deed-staff-passkey-remove = Passkey entfernt
deed-staff-password = Passwort geändert
deed-staff-remove = Jemandem die Rechte genommen
deed-staff-role = Rolle geändert
deed-staff-sign-in = Angemeldet
deed-staff-sign-in-refused = Beim Anmelden abgewiesen
deed-staff-sign-out = Jemanden abgemeldet
deed-standing = Stand abgeleitet
deed-stripe-reconcile = Mit Stripe abgeglichen
deed-zone-access = Zutritt zu einem Bereich geändert
deed-zone-put = Bereich geändert
deed-zone-settings = Einstellungen eines Bereichs geändert
problem-conflict = Das passt nicht zu dem, was da ist
problem-content-type = Der Inhalt ist von anderer Art
problem-fault = Der Server hat einen Fehler
problem-forbidden = Nicht erlaubt
problem-invalid-field = Ein Feld stimmt nicht
problem-malformed = Die Anfrage ist nicht lesbar
problem-mass-lock-out = Zu viele Mitglieder würden den Zutritt verlieren
problem-method = Die Methode ist hier nicht erlaubt
problem-no-answer = Es kam keine Antwort
problem-not-found = Hier ist nichts
problem-other-site = Von einer fremden Seite geschickt
problem-refused = Abgelehnt
problem-signed-out = Du bist nicht angemeldet
problem-stripe = Stripe hat es nicht getan
problem-too-large = Der Inhalt ist zu groß
problem-too-often = Zu oft gefragt
problem-unauthorised = Der Schlüssel fehlt oder ist falsch
problem-unavailable = Jetzt nicht möglich
# --- the OpenID provider
identities = Konten anderswo
identity-add = Konto bei { $name } verknüpfen
identity-help = Wer bei diesem Konto angemeldet ist, kommt hier ohne Passwort und ohne Code herein. Lass dort nach einem zweiten Faktor fragen.
identity-remove = Trennen
provider-away = { $name } antwortet nicht, wie es soll. Melde dich mit Passwort und Code an, oder versuche es später wieder; im Protokoll des Servers steht, warum.
provider-elsewhere = Diese Anmeldung wurde nicht in diesem Browser begonnen, oder vor mehr als zehn Minuten. Beginne hier noch einmal.
provider-go = Weiter zu { $name }
provider-known = Dieses Konto ist schon verknüpft, mit dir oder mit jemand anderem.
provider-not-there = { $name } hat nicht gesagt, wer du bist. Beginne noch einmal, oder melde dich mit Passwort und Code an; im Protokoll des Servers steht, warum.
provider-onward = Weiter zu { $name } …
provider-sign-in = Mit { $name } anmelden
provider-unlinked = Dein Konto bei { $name } ist hier mit niemandem verknüpft. Melde dich mit Passwort und Code an, und verknüpfe es dann auf deiner eigenen Seite.

types = Mitgliedschaften
types-what = Wie eine Mitgliedschaft heißt, wie lange ihre Türen auf Geld warten und ob Mitglieder selbst in sie wechseln dürfen. Preise bei Stripe nennen sie.
types-none = Es gibt noch keine.
type-new = Neue Mitgliedschaft
type-chosen-by-members = von Mitgliedern wählbar
type-stands-in = steht für unbekannte
type-named = Ein Preis bei Stripe gehört dazu, wenn seine Beschreibung mit { $name } beginnt.
stand-in = Ersatz für unbekannte Mitgliedschaften
stand-in-what = Als was ein wohlgeformter Name gilt, der hier nicht steht, damit ein eilig angelegter Preis niemanden aussperrt. Keiner: Wer ihn zahlt, steht unter „Zu tun“.
knob-rank = Rang
knob-rank-what = Von mehreren Mitgliedschaften wird die mit der höchsten Zahl zuerst genannt.
knob-members-choose = Mitglieder dürfen selbst in sie wechseln
knob-members-choose-what = Sie wird auf ihrer eigenen Seite angeboten, mit dem, was der Wechsel kostet.
knob-slack = Tage, die Türen auf Nachricht von der Verlängerung warten
knob-slack-what = Nachdem ein bezahlter Zeitraum zu Ende ist und vom nächsten nichts gehört wurde. Mit Stripes Schlüssel genügen drei, ohne ihn zehn.
knob-grace = Tage Nachfrist nach einer gescheiterten Zahlung
knob-grace-what = Gezählt ab dem Beginn des unbezahlten Zeitraums. Das Mitglied bekommt Post und sieht es auf seiner eigenen Seite.
knob-trial = Eine Probezeit öffnet Türen
knob-trial-what = Ohne dies kommen Mitglieder in der Probezeit erst hinein, wenn sie bezahlt haben.
knob-upgrade = Ein Wechsel gilt erst, wenn er bezahlt ist
knob-upgrade-what = Ohne dies öffnet eine größere Mitgliedschaft mehr Türen, sobald sie gebucht ist.
knob-refund = Eine volle Erstattung beendet den Zugang sofort
knob-refund-what = Ohne dies bleibt der Zugang, bis der erstattete Zeitraum vorbei ist.
knob-dispute = Eine angefochtene Zahlung beendet den Zugang
knob-dispute-what = Bis die Bank für den Verein entschieden hat. Ohne dies steht sie nur unter „Zu tun“.
refused-a-day = Schreibe einen Tag wie 2026-12-24.
refused-a-minute = Warte eine Minute, dann versuch es noch einmal.
refused-a-month = Schreibe einen Monat, den es gibt, wie 2026-12.
refused-a-table = Schicke eine Tabelle als CSV, deren erste Zeile die Spalten nennt.
refused-a-type = Nenne eine Mitgliedschaftsart.
refused-access-once = Nenne jede Art nur einmal.
refused-after-beginning = Schreibe einen Zeitpunkt nach dem Beginn, oder lass ihn weg.
refused-agent-late = Der Agent hat nicht rechtzeitig geantwortet; sieh nach, ob er erreichbar ist.
refused-agent-name = Einen Agenten mit diesem Namen gibt es; lass dir stattdessen einen neuen Verbindungscode geben.
refused-agent-refused = Der Agent hat abgelehnt: { $why }.
refused-agent-silent = Der Agent hat sich seit dem Verbinden nicht gemeldet.
refused-ahead = Schreibe einen Zeitpunkt, der noch kommt, oder lass ihn weg.
refused-ahead-or-null = Schreibe einen Zeitpunkt, der noch kommt, oder nichts.
refused-alike = Solche Leser könnten Karte { $one } nicht von Karte { $other } unterscheiden: Ersetze zuerst eine davon.
refused-alike-there = Leser im Bereich { $zone } sehen nur die letzten Bytes einer Karte und könnten diese nicht von Karte { $card } von Mitglied { $member } unterscheiden. Nimm eine andere Karte.
refused-always = Nimm einen anderen Namen: `always` heißt bei Bereichen jede Stunde.
refused-an-amount = Schreibe einen Betrag wie 40 oder 40,00.
refused-body-limit = Mehr als { $limit } Bytes werden nicht angenommen.
refused-broker-name = So heißt der Server selbst beim Broker; wähle einen anderen Namen.
refused-broker-shared = Eine andere Organisation auf diesem Server hat einen Agenten mit diesem Namen, und beide teilen einen Broker; wähle einen anderen.
refused-busy = Zu viele melden sich gleichzeitig an. Versuch es in ein paar Sekunden noch einmal.
refused-by-stripe = Geld, das über Stripe kam, wird dort zurückgegeben.
refused-card-bytes = Schreibe Zahlen von 3 bis 9, mit Kommas.
refused-card-number = Schreibe die Nummer der Karte, wie ein Leser sie zeigt.
refused-card-owned = Diese Karte gehört schon jemandem: Es ist Karte { $card } von Mitglied { $owner }. Nimm sie zuerst zurück.
refused-card-returned = Eine zurückgegebene Karte öffnet nichts; ausgegeben wird sie neu mit ihrer Nummer.
refused-choose-deed = Wähle, was zu tun ist.
refused-choose-members = Wähle 1 bis { $most } Mitglieder.
refused-clock-time = Schreibe Stunde und Minute wie 08:00, bis 24:00.
refused-database-away = Die Datenbank antwortet nicht. Nichts wurde geändert; versuch es noch einmal.
refused-database-busy = Die Datenbank ist beschäftigt. Nichts wurde geändert; versuch es noch einmal.
refused-day-and-time = Wähle Tag und Uhrzeit.
refused-days-ahead = Schreibe eine Zahl von 1 bis 366.
refused-days-back = Schreibe eine Zahl von 1 bis 90.
refused-days-by-line = Schreibe Tage wie 2026-12-24, einen je Zeile.
refused-door-name = Es gibt schon eine Tür mit diesem Namen.
refused-ended-already = Das ist schon beendet.
refused-enrol-door = Karten werden nur an Türen aufgenommen, die dafür vorgesehen sind.
refused-enrol-whose = Nenne das Mitglied, dessen Karte es wird, oder wie der Leihchip heißt: eins von beiden.
refused-erased-before = Das wurde schon gelöscht.
refused-fault = Der Server konnte das nicht tun, und nichts wurde geändert; warum, steht in seinem Protokoll.
refused-field-missing = Dieses Feld fehlt.
refused-field-twice = Dieses Feld steht zweimal da.
refused-fob-known = Dieser Leihchip ist schon im Bestand.
refused-fob-lent = Dieser Leihchip ist verliehen: Nimm ihn erst zurück, oder melde ihn verloren.
refused-fob-of = Mitglied { $member } hat diesen Leihchip: Nimm ihn zuerst zurück.
refused-fob-only-enrol = Ein Leihchip gehört nur zu `enrol`.
refused-form-unreadable = Das Formular ist nicht lesbar.
refused-fresh = Melde dich erst ab und wieder an: Das darf nur, wer sich in der letzten Viertelstunde mit Passwort oder Passkey angemeldet hat.
refused-from-the-list = Wähle aus der Liste.
refused-further-seat = Nenne ein Mitglied, für das ein weiterer Platz derselben Position ist.
refused-going-down = Der Server wird gerade beendet.
refused-held-back = Es wird mit anderen alten Nachrichten zurückgehalten: Sag unter „Zu tun“ zu allen ja.
refused-hours = Schreibe Stunden wie 08:00-22:00, mehrere mit Kommas dazwischen; 24:00 ist Mitternacht, und eine Nacht sind zwei Zeilen: bis 24:00, und ab 00:00 am nächsten Tag. Leer: geschlossen.
refused-in-pool = Dieser Leihchip gehört zum Bestand: Verleihe ihn, oder nimm ihn zuerst heraus.
refused-key-unread = Mit dem Schlüssel des bekannten Kontos lässt sich Stripe noch immer nicht lesen.
refused-last-owner = Das ist der letzte Inhaber; gib zuerst jemand anderem diese Rolle.
refused-location-name = Es gibt schon einen Ort mit diesem Namen.
refused-mass = Das nähme { $count } Mitgliedern auf einmal den Zugang. Nichts wurde geändert. Ist es so gemeint, schicke dasselbe mit `?approved=true`.
refused-minor-units = Schreibe die kleinste Einheit, 0 oder mehr.
refused-no-agent = Diese Tür hat noch keinen Agenten.
refused-no-card-shown = Innerhalb von 20 Sekunden wurde keine Karte zweimal gezeigt. Nichts wurde geändert.
refused-no-change-waits = Keine Änderung dieses Preises wartet mehr.
refused-no-enrolling-door = Keine Tür nimmt Karten auf: Sieh eine auf ihrer Seite dafür vor, oder gib die Karte mit ihrer Nummer.
refused-no-free-seat = Kein solcher Platz ist mehr frei.
refused-no-key = Stripe lässt sich nur mit einem Schlüssel fragen: Setze STRIPE_SECRET_KEY.
refused-not-here = { $what ->
    [member] Dieses Mitglied gibt es nicht.
    [card] Diese Karte gibt es nicht.
    [door] Diese Tür gibt es nicht.
    [zone] Diesen Bereich gibt es nicht.
    [agent] Diesen Agenten gibt es nicht.
    [schedule] Diesen Zeitplan gibt es nicht.
    [payment] Diese Zahlung gibt es nicht.
    [customer] Diesen Zahler gibt es nicht.
    [price] Diesen Preis gibt es nicht.
   *[other] Unter dieser Adresse gibt es nichts.
}
refused-not-known = { $what ->
    [member] Dieses Mitglied gibt es nicht.
    [card] Diese Karte gibt es nicht.
    [door] Diese Tür gibt es nicht.
    [zone] Diesen Bereich gibt es nicht.
    [agent] Diesen Agenten gibt es nicht.
    [schedule] Diesen Zeitplan gibt es nicht.
    [payment] Diese Zahlung gibt es nicht.
    [customer] Diesen Zahler gibt es nicht.
    [price] Diesen Preis gibt es nicht.
   *[other] Das gibt es nicht; nenne, was es gibt.
}
refused-not-paired = Der Agent ist nicht verbunden; verbinde ihn zuerst.
refused-other-role = Diese Adresse gibt es schon, mit einer anderen Rolle; ändere zuerst die.
refused-other-site = Das kam von der Seite eines anderen Servers, oder von einem Browser, der das nicht sagt. Öffne die Seite hier, und tu es noch einmal.
refused-own-address = Das ist deine eigene Adresse: Ein neues Passwort oder einen Passkey setzt du auf deiner eigenen Seite.
refused-passed = Schreibe einen Zeitpunkt, der vorbei ist, oder lass ihn weg.
refused-passing-seconds = Schreibe ganze Sekunden, von 1 bis zu einem Tag, oder lass es weg.
refused-passkey-known = Dieser Passkey ist schon bekannt.
refused-passkey-not-taken = Der Passkey wurde nicht genommen: { $why }. Versuch es noch einmal.
refused-past-only = Schreibe einen Zeitpunkt, der vorbei ist; die Zukunft kennt niemand.
refused-payer-unsure = Nur eine Mailadresse verbindet dieses Mitglied mit jemandem, der zahlt: Bevor beide vergessen werden, muss unter „Zu tun“ bestätigt werden, dass es dieselbe Person ist.
refused-periods-or-until = Schreibe entweder `periods` oder `until`.
refused-policy-days = Schreibe ganze Tage, 0 bis 366.
refused-provider-home = Öffne dafür { $address }: Dorthin schickt der Anbieter Leute zurück.
refused-reader-bytes = Schreibe Anzahlen von Bytes, von 3 bis 9; Leser, die ganze Nummern sehen, gibt es immer.
refused-role = Deine Rolle erlaubt das nicht; jemand mit der Rolle „Inhaber“ kann dir eine andere geben.
refused-rows-wrong = { $rows } Zeilen sind falsch, und nichts wurde übernommen: Bessere sie aus, oder übernimm nur die guten.
refused-runs-at-stripe = Das läuft bei Stripe: Kündige es dort, oder sperre das Mitglied.
refused-schedule-name = Es gibt schon einen Zeitplan mit diesem Namen.
refused-seat-for-whom = Nenne das Mitglied, für das der Platz ist.
refused-seat-number = Die Position hat { $seats } Plätze, gezählt ab 1.
refused-seats-named = Mehr Plätze haben einen Namen, als bezahlt sind: Nimm zuerst einen weg.
refused-secret-shown = Öffne die Seite noch einmal und nimm das Geheimnis, das sie zeigt.
refused-set-the-key = STRIPE_SECRET_KEY ist nicht gesetzt: Schreibe den Schlüssel in die Einstellungen, und starte den Server neu.
refused-settled-before = Das wurde schon erledigt.
refused-several-fit = Mehrere Mitglieder passen: Schreibe die Nummer, den ganzen Namen oder die Mailadresse.
refused-short-name = Verwende darin ein paar Buchstaben von a bis z oder Ziffern.
refused-sign-in-again = Melde dich wieder an, dann tu es noch einmal. Nichts wurde geändert.
refused-some-day = Nenne mindestens einen Tag.
refused-some-periods = Schreibe 1 oder mehr Tage, Wochen, Monate oder Jahre.
refused-there-already = Etwas mit diesem Namen oder dieser Nummer gibt es schon.
refused-tick-first = Kreuze zuerst Mitglieder an, oder wähle alle, die passen.
refused-type-name = Eine Art mit diesem Namen gibt es; wähle einen anderen.
refused-type-that-opens = Wähle mindestens eine Art, die ihn öffnet.
refused-type-x = Schreibe nur das X von `membertype_X`, wie Türen und Zahlungen es nennen.
refused-undo-half = Die Karten öffnen nichts mehr, und die Zahlungen sind aus den Büchern, aber die neuen Mitglieder sind noch da. Nimm es noch einmal zurück.
refused-undo-late = Das ist zu lange her: Wer von ihnen seither an einer Tür war, ist nicht mehr ganz bekannt.
refused-undone-before = Das wurde schon zurückgenommen.
refused-void-before = Das wurde schon für ungültig erklärt.
refused-which-price = Es ist nicht klar, welcher Preis gemeint ist: Gib ihm unter „Preise“ die Art.
refused-whom = Schreibe die Nummer eines Mitglieds, oder so viel von Name oder Adresse, dass nur eines passt.
refused-whose-customer = Nenne das Mitglied, das der Zahler ist.
refused-window-order = Eine Zeit endet, nachdem sie beginnt; schreibe eine Nacht als zwei, bis 24:00 und ab 00:00.
refused-within-a-year = Schreibe einen Zeitpunkt, der noch kommt, innerhalb eines Jahres.
refused-zone-name = Es gibt schon einen Bereich mit diesem Namen.
refused-zone-seconds = Schreibe ganze Sekunden, von 0 bis zu einem Jahr.
