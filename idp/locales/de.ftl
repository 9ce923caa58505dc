### Die Wörter von Stepgate auf Deutsch: dieselben Schlüssel mit denselben Angaben wie en.ftl.
### Namen von Produkten bleiben, was sie sind: Stepgate, Manage OTP, Phone OTP, Mobile ID, OTP Hardware Token, Security Key.
### Weil diese Namen kein festes Geschlecht haben, kommen die Sätze ohne Artikel vor ihnen aus.

## Zeit
month = { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
}
date = { $day }. { month } { $year }
when-now = gerade eben
when-soon = gleich
when-minutes = { $count ->
    [one] in { $count } Minute
   *[other] in { $count } Minuten
}
when-minutes-ago = { $count ->
    [one] vor { $count } Minute
   *[other] vor { $count } Minuten
}
when-hours = { $count ->
    [one] in { $count } Stunde
   *[other] in { $count } Stunden
}
when-hours-ago = { $count ->
    [one] vor { $count } Stunde
   *[other] vor { $count } Stunden
}
when-days = { $count ->
    [one] in { $count } Tag
   *[other] in { $count } Tagen
}
when-days-ago = { $count ->
    [one] vor { $count } Tag
   *[other] vor { $count } Tagen
}

## Was um jede Seite herum steht
frame-skip = Zum Inhalt springen
frame-demo = Erfundene Personen, erfundene Daten.
frame-demo-people = Personen und Codes
frame-demo-inbox = Posteingang
frame-main = Hauptmenü
frame-applications = Meine Anwendungen
frame-account = Mein Konto
frame-administration = Verwaltung
frame-developer = Entwicklung
frame-help = Hilfe
frame-sign-out = Abmelden
frame-user = Benutzer
frame-organization = Organisation
frame-strength = Stärke der Anmeldung
frame-profile = Profil
frame-orders = Bestellungen
frame-sessions = Sitzungen
frame-connections = Anwendungen
strength-label = In dieser Sitzung gezeigt
strength-shown = In dieser Sitzung gezeigt: { $kinds }.
strength-since = Seit { $when }.
strength-until = Bis { $when }.
strength-step-not = { $kind }: in dieser Sitzung nicht gezeigt
strength-not = { $kind }: nicht gezeigt
strength-is = { $kind }: gezeigt
strength-identity = Identität geprüft
strength-none = Keine
strength-proofed = { $kind }, Identität geprüft
step-privacy = Datenschutz bei { $application }
step-terms = Bedingungen von { $application }
form-errors = { $count ->
    [one] Eine Angabe stimmt noch nicht:
   *[other] { $count } Angaben stimmen noch nicht:
}
table-first = Erste Seite
table-next = Nächste Seite

## Arten und Zustände
kind-password = Passwort
kind-recovery = Wiederherstellungscode
state-pending = Noch nicht aktiviert
state-active = Aktiv
state-suspended = Stillgelegt
state-locked = Gesperrt
state-expired = Abgelaufen
state-revoked = Aufgegeben
proofed = Identität geprüft

## Wörter mehrerer Seiten
manage-otp = Manage OTP
open-manage-otp = Manage OTP öffnen
back-to-manage-otp = Zurück zu Manage OTP
back-to = Zurück zu { $application }
have-license-key = Ich habe einen Lizenzschlüssel
get-credential = Anmeldemittel beschaffen
get-new = Neu beschaffen
renew = Verlängern
activate = Aktivieren
activate-name = { $name } aktivieren
elevate = Anmeldung verstärken
test = Testen
suspend = Stilllegen
resume = Wieder in Betrieb nehmen
revoke = Endgültig aufgeben
report-lost = Verlust melden
resync = Abgleichen
rename = Umbenennen
numbers = Nummern
phones = Telefone
save = Speichern
name = Name
code = Code
none = Keine.
never = Nie
bought = Gekauft
expires = Läuft ab
expired = Abgelaufen
last-used = Zuletzt benutzt
set-up = Eingerichtet
user-id = Benutzerkennung
code-malformed = Ein Code hat 6 bis 8 Ziffern. Geben Sie nur die Ziffern ein.
code-wrong-now = Dieser Code stimmt nicht. Geben Sie die Ziffern ein, die Ihr Token gerade zeigt.
code-replayed-token = Dieser Code wurde schon benutzt. Warten Sie auf den nächsten (bis zu 30 Sekunden).
code-locked = Es gab zu viele falsche Codes. Warten Sie eine Weile, bevor Sie es noch einmal versuchen.

## Der Hinweis über jeder Seite
banner-recovering = Sie haben einen Wiederherstellungscode benutzt. Richten Sie unter Manage OTP ein neues Gerät ein: Anwendungen bleiben geschlossen, bis Sie sich damit angemeldet haben.
banner-ends = { $name } läuft { $when } ab.
banner-ended = { $name } ist { $when } abgelaufen. Bis zur Verlängerung können Sie damit keine Anmeldung verstärken.
banner-ended-on = { $name } ist am { $when } abgelaufen. Bis zur Verlängerung können Sie damit keine Anmeldung verstärken.
banner-one-device = Sie haben nur ein Gerät. Richten Sie ein zweites ein oder drucken Sie Wiederherstellungscodes, für den Tag, an dem es weg ist.
banner-unused = { $name } gehört Ihnen und ist noch nicht aktiviert. Vorher können Sie es nicht benutzen.

## E-Mails
mail-greeting = Guten Tag { $name },
mail-when = Wann: { $when }
mail-from = Von: { $address }
mail-not-you = Das waren nicht Sie? Öffnen Sie diese Adresse innerhalb von drei Tagen. Dort sehen Sie (auf Englisch), was geschehen ist, und können es sofort anhalten:
renewed-by-key-subject = Ein Abonnement wurde verlängert
renewed-by-key = { $label } wurde mit einem Lizenzschlüssel verlängert.
adopted-subject = Ihr Security Key hat ein Abonnement
adopted = Der Security Key „{ $label }“ hat jetzt das Abonnement, das Sie gekauft haben. Er ist derselbe wie zuvor, und ab jetzt läuft er mit dem Abonnement ab, wenn Sie nicht verlängern.
reminder-subject-ends = { $days ->
    [1] { $label } läuft morgen ab
   *[other] { $label } läuft in { $days } Tagen ab
}
reminder-subject-today = { $label } läuft heute ab
reminder-subject-ended = { $label } ist abgelaufen
reminder-subject-pending-ends = { $days ->
    [1] { $label }, nicht aktiviert, läuft morgen ab
   *[other] { $label }, nicht aktiviert, läuft in { $days } Tagen ab
}
reminder-subject-pending-today = { $label }, nicht aktiviert, läuft heute ab
reminder-subject-pending-ended = { $label }, nicht aktiviert, ist abgelaufen
reminder-activate = { $label } wurde gekauft und noch nicht aktiviert. Das Jahr läuft trotzdem, bis { $at }: Nach der Aktivierung können Sie es bis dahin benutzen.
reminder-never-activated = { $label } wurde gekauft und nie aktiviert; das Jahr ist am { $at } abgelaufen. Es lässt sich nicht mehr aktivieren und nicht verlängern; wenn Sie eines brauchen, beschaffen Sie es neu.
reminder-ends = { $label } läuft am { $at } ab.
reminder-today = { $label } läuft heute ab, { $at }. Danach können Sie damit keine Anmeldung mehr verstärken. Ihr Passwort gilt weiter.
reminder-ended = { $label } ist am { $at } abgelaufen; Anwendungen, die es verlangen, sind für Sie geschlossen.
reminder-renew-before = Wenn Sie vorher verlängern, wird an dieses Datum ein Jahr angehängt: Ihr Gerät bleibt, und eine Prüfung Ihrer Identität auch.
reminder-renew-still = Sie können noch verlängern: Ihr Gerät bleibt, und eine Prüfung Ihrer Identität auch.
reminder-renew-from = Verlängern können Sie ab { $at }; Ihr Gerät bleibt dann, und eine Prüfung Ihrer Identität auch.
reminder-anew = Verlängern lässt es sich nicht: Sie müssen es neu beschaffen.
reminder-until = Verlängern können Sie bis { $at }. Danach müssen Sie es neu beschaffen.
reminder-auto-renew-failed = Es sollte von selbst verlängert werden; das gelang nicht, weil weder ein Konto noch eine Karte dafür zahlt oder weil bei uns etwas schiefging: Bitte verlängern Sie selbst.
card-announced-subject = { $label } wird am { $on } verlängert
card-announced = { $label } läuft am { $ends } ab. Es wird am { $on } von selbst verlängert, für { $price }, mit der Karte { $card }. Sie müssen nichts tun.
card-announced-link = Hier schalten Sie das ab und sehen, was es kostet:
card-announced-ends = Diese Karte selbst läuft vorher ab: Bitte geben Sie unter Manage OTP eine andere an. Hier schalten Sie die Verlängerung ab und sehen, was sie kostet:
card-renewed = { $label } wurde um ein Jahr verlängert: { $price }, mit der Karte { $card }. Ihr Gerät bleibt, und eine Prüfung Ihrer Identität auch.
card-renewed-link = Die Bestellung und ihre Quittung:
card-not-paid-subject = { $label } konnte nicht verlängert werden
card-not-paid-authentication = { $label } sollte heute verlängert werden, für { $price }, mit der Karte { $card }, aber Ihre Bank verlangt, dass Sie die Zahlung selbst bestätigen. Es wurde nichts abgebucht. Es gilt bis { $ends }.
card-not-paid-ended = { $label } sollte heute verlängert werden, für { $price }, mit der Karte { $card }, aber die Karte ist abgelaufen. Es wurde nichts abgebucht. Es gilt bis { $ends }.
card-not-paid-gone = { $label } sollte heute verlängert werden, für { $price }, mit der Karte { $card }, aber die Karte ist nicht mehr hinterlegt. Es wurde nichts abgebucht. Es gilt bis { $ends }.
card-not-paid-declined = { $label } sollte heute verlängert werden, für { $price }, mit der Karte { $card }, aber Ihre Bank hat abgelehnt. Es wurde nichts abgebucht. Es gilt bis { $ends }.
card-not-paid-again = Wir versuchen es mit der Karte noch einmal am { $on }.
card-not-paid-last = Wir versuchen es mit der Karte nicht noch einmal.
card-not-paid-link = Hier zahlen Sie selbst, mit einer beliebigen Karte:
reminder-do-renew = Hier verlängern Sie:
reminder-do-activate = Hier aktivieren Sie:
reminder-do-renew-from = Hier wird verlängert:
reminder-do-anew = Was Sie haben, und wo Sie es neu beschaffen:
reminder-preferences = Welche dieser E-Mails Sie bekommen, und in welcher Sprache, wählen Sie hier. Die am letzten Tag kommt immer:
auto-renewed-subject = { $label } wurde verlängert
auto-renewed = { $label } wurde um ein Jahr verlängert, bis { $until }, auf Rechnung Ihrer Organisation (Bestellung { $order }). Sie müssen nichts weiter tun.
auto-renewed-switch = Abstellen können Sie das hier:

## Laufzeiten
term-expired = Am { $ended } abgelaufen. Verlängern können Sie bis { $until }; bis dahin verstärkt es keine Anmeldung. { $proofed ->
    [yes] Ihr Gerät und die Prüfung Ihrer Identität bleiben.
   *[no] Ihr Gerät bleibt.
}
term-ends = Läuft am { $ends } ab. Wenn Sie jetzt verlängern, gilt es ein Jahr länger als bis dahin.
term-expired-for-good = Am { $ended } abgelaufen, zu lange her für eine Verlängerung. Sie müssen es neu beschaffen.
renew-heading = { $label } verlängern
renew-lead = { $price } für ein weiteres Jahr { $product }: bis { $until }. { $proofed ->
    [yes] Ihr Gerät und die Prüfung Ihrer Identität bleiben, wie sie sind.
   *[no] Ihr Gerät bleibt, wie es ist.
}
renew-lead-bundle = { renew-lead } Was Sie zusammen damit gekauft haben, wird mit verlängert.
renew-add = In den Warenkorb
renew-opens = Verlängern können Sie ab { $from }. Noch ist nichts zu tun.
renew-endless = Es läuft nicht ab, also gibt es nichts zu verlängern.
auto-renew-on = Es wird von selbst verlängert: { $plan }.
auto-renew-on-unpaid = Es soll von selbst verlängert werden, aber noch zahlt weder ein Konto noch eine Karte dafür. Bis dahin erinnern wir Sie nur.
auto-renew-on-unpaid-card = Es soll von selbst verlängert werden, aber noch zahlt weder ein Konto noch eine Karte dafür. Geben Sie eine Karte dafür an; bis dahin erinnern wir Sie nur.
auto-renew-off = Es kann von selbst verlängert werden: { $plan }.
auto-renew-off-card = Es kann von selbst verlängert werden, mit einer Karte, die Sie auf der nächsten Seite angeben, oder sobald Ihre Organisation ein Konto hat, das zahlt.
auto-renew-off-unpaid = Es kann von selbst verlängert werden, sobald Ihre Organisation ein Konto hat, das zahlt; bis dahin erinnern wir Sie nur.
plan-account = am { $on }, für { $price }, auf Rechnung Ihrer Organisation
plan-card = am { $on }, für { $price }, mit der Karte { $card }
plan-nobody = am { $on }, für { $price }, sobald jemand dafür zahlt
plan-late-account = { $price } auf Rechnung Ihrer Organisation, aber vor diesem Ende nicht mehr: Verlängern Sie selbst
plan-late-card = { $price } mit der Karte { $card }, aber vor diesem Ende nicht mehr: Verlängern Sie selbst
plan-late-nobody = { $price }, sobald jemand dafür zahlt, aber vor diesem Ende nicht mehr: Verlängern Sie selbst
card-name = { $brand } mit den Endziffern { $digits }
card-for-renewals = Karte für Verlängerungen
auto-renew-start = Von selbst verlängern
auto-renew-stop = Nicht mehr von selbst verlängern

## Erinnerungen und Sprache
reminders = Erinnerungen
reminders-lead = Bevor ein Abonnement abläuft, sagen wir es auf jeder Seite und schreiben Ihnen eine E-Mail. Am letzten Tag schreiben wir immer.
reminders-by-mail = Per E-Mail
reminders-mails = Mich per E-Mail erinnern
reminders-days = 60, 30, 15 und 7 Tage vor dem Ende und 30 Tage danach.
language = Sprache
language-help = Für Ihre Seiten und für die E-Mails, die wir Ihnen schreiben. Manche Seiten gibt es nur auf Englisch.
language-of-browser = Wie mein Browser es wünscht
change-language = Sprache und Erinnerungen

## Manage OTP
manage-otp-lead = Womit Sie sich neben Ihrem Passwort anmelden.
otp-empty = Sie haben noch kein Anmeldemittel neben dem Passwort
otp-empty-text = Viele Anwendungen verlangen mehr als ein Passwort. Beschaffen Sie sich eines oder benutzen Sie einen Lizenzschlüssel, den Ihnen jemand gegeben hat.
otp-empty-help = Wie das geht
in-this-session = In dieser Sitzung
offered-first = wird zuerst angeboten
view-details = Einzelheiten
add-phone = Telefon hinzufügen
upgrade = Identität prüfen lassen
get-another = Weiteres Anmeldemittel beschaffen
add-security-key = Security Key hinzufügen
recovery-codes = Wiederherstellungscodes
recovery-codes-left = Wiederherstellungscodes: noch { $left }
otp-help = Verloren, gestohlen, kaputt, neu?
try-phone = Telefon ausprobieren
go-on = Weiter zur Anwendung
go-on-to = Weiter zu { $application }
key-synced = Auf Ihren Geräten abgeglichen
key-on-one-device = Nur auf einem Gerät
phone-text-and-calls = SMS und Anrufe
phone-text-only = Nur SMS
phone-calls-only = Nur Anrufe
phone-delivered = Letzter Code zugestellt: { $when }
phone-refused = Letzter Code von Ihrem Anbieter abgelehnt: { $when }
phone-first = Wird zuerst angeboten
phone-number = Nummer
phone-takes = Nimmt an
phone-proved = Bestätigt
phone-order = Reihenfolge
device = Telefon
device-state = Zustand
device-unconfirmed = Nicht bestätigt
card-needs-proofing = Es wurde mit Identitätsprüfung gekauft: Zuerst sehen unsere Prüfer nach, wer Sie sind, dann können Sie es einrichten.
card-token-comes = Ein Token wird für Sie vorbereitet. Wenn es da ist, aktivieren Sie es mit seiner Seriennummer und dem Registrierungscode, den wir Ihnen mailen.
card-pending = Gekauft, noch nicht eingerichtet: Erst nach der Aktivierung können Sie es benutzen.
card-too-late = Das Jahr ist am { $ended } abgelaufen, bevor es eingerichtet war. Sie müssen es neu beschaffen.
adopt-key = „{ $label }“ benutzen
card-locked = Nach zu vielen falschen Codes gesperrt. Bitten Sie Ihre Verwaltung, es zu entsperren.
card-rests = Nach mehreren falschen Codes ruht es eine Weile. Versuchen Sie es später noch einmal.
suspended-paused = Sie haben es stillgelegt. Niemand kann es benutzen, bis Sie es wieder in Betrieb nehmen.
suspended-lost = Sie haben den Verlust gemeldet. Wenn Sie es gefunden haben, melden Sie sich mit einem anderen Anmeldemittel an und nehmen Sie es wieder in Betrieb; sonst geben Sie es auf.
suspended-not-me = Stillgelegt, weil Sie uns gesagt haben: „Das war ich nicht.“ Wenn alles wieder gut ist, melden Sie sich mit einem anderen Anmeldemittel an und nehmen Sie es wieder in Betrieb.
suspended-by-administrator = Stillgelegt. Fragen Sie Ihre Verwaltung nach dem Grund.
status-proofing = { $label } wartet auf die Prüfung Ihrer Identität
status-set-up = { $label } einrichten
status-set-up-text = Es gehört Ihnen; vorher können Sie es nicht benutzen.
status-key = { $name } wartet auf Sie
status-key-text = Es ist gekauft und gehört Ihnen; mit der Aktivierung wird es zu einem Anmeldemittel.
status-asked = Ihre Identitätsprüfung
status-expired = { $label } ist abgelaufen
status-ends = { $label } läuft bald ab
see-proofing = Stand ansehen
done-resynced = Ihr Token ist wieder im Takt.
done-token-activated = Ihr Token ist eingerichtet. Ab jetzt gelten seine Codes.
done-renamed = Der neue Name ist gespeichert.
done-phone-added = Ihr Telefon ist eingerichtet. Ab jetzt können Sie Anmeldungen darauf bestätigen. Probieren Sie es gleich aus: Dieser Browser zeigt sechs Ziffern, und das Telefon fragt, ob Sie sich anmelden, wofür und von wo. Geben Sie die Ziffern dort ein.
done-key-added = Ihr Security Key ist eingerichtet. Ab jetzt können Sie ihn benutzen.
done-key-adopted = Ihr Security Key hat jetzt das Abonnement, das Sie gekauft haben.
done-recovered = Das hat geklappt. Richten Sie jetzt ein neues Gerät ein: Sie haben fünf Minuten, bevor wir noch einmal fragen.
done-password = Ihr Passwort ist geändert. Das alte gilt nicht mehr.
done-stolen = Es ist abgeschaltet, und überall sonst sind Sie abgemeldet. Ändern Sie jetzt Ihr Passwort.
done-suspended = Es ist stillgelegt. Niemand kann es benutzen, bis Sie es wieder in Betrieb nehmen.
done-lost = Es ist stillgelegt, und Anmeldungen anderswo, für die es benutzt wurde, sind beendet. Beschaffen Sie sich bald Ersatz.
done-resumed = Es kann wieder benutzt werden.
done-revoked = Es ist aufgegeben und öffnet nichts mehr.
done-redeemed = Der Schlüssel gehört Ihnen. Richten Sie jetzt ein, was daraus geworden ist.
done-renewed = Es ist verlängert. Sonst ändert sich daran nichts.
done-saved = Gespeichert.
done-language = Ab jetzt sprechen wir Deutsch mit Ihnen.

## Ein Anmeldemittel
fact-kind = Art
fact-serial = Seriennummer
fact-bought-as = Gekauft als
fact-by-itself = Verlängerung von selbst
fact-failures = Fehlversuche seither
fact-identity = Identität
fact-clock = Uhr
fact-codes-used = Benutzte Codes
clock-unseen = noch nicht gesehen
clock-in-step = im Takt mit unserer
clock-ahead = etwa { $seconds } Sekunden voraus, was in Ordnung ist
clock-behind = etwa { $seconds } Sekunden zurück, was in Ordnung ist
resume-needs-code = Um es wieder in Betrieb zu nehmen, geben Sie den Code ein, den es gerade zeigt.
resume-needs-other = Um es wieder in Betrieb zu nehmen, brauchen Sie ein anderes Anmeldemittel als dieses und Ihr Passwort. Fragen Sie Ihre Verwaltung, oder geben Sie es auf und beschaffen Sie es neu.
resume-by-phone = Auf dem Telefon wieder in Betrieb nehmen
resume-by-number = Mit einem Code an Ihre Nummer wieder in Betrieb nehmen
resume-by-code = Mit einem Code wieder in Betrieb nehmen
resume-code-help = Die Ziffern, die Ihr Token gerade zeigt.
test-clock = Die Uhr darin: { $clock }.
test-codes = Bisher benutzte Codes: { $count }.
test-answered = Die Frage kam an und wurde beantwortet, wie es sein soll.
test-works = { $label } funktioniert
test-session = Ihre Sitzung ist so stark wie zuvor.
history = Verlauf
history-when = Wann
history-what = Was
history-where = Wo
history-with = Womit
history-for = Wofür
history-none = Noch nicht benutzt.
browser-on = { $browser } unter { $system }
browser-unknown = Ein Browser
history-used = Benutzt
history-administrator = Verwaltung
history-failed = Fehlversuch
history-lost = Verlust gemeldet
history-not-me = „Das war ich nicht“
history-resumed = Wieder in Betrieb
history-tested = Getestet: funktioniert
history-renamed = Umbenannt
history-unlocked = Entsperrt
history-renewed = Abonnement verlängert
history-auto-renew = Verlängerung von selbst umgestellt
history-other = Geändert
lost-lead = Tun Sie das, wenn Sie es nicht mehr haben oder wenn jemand anders es haben könnte.
lost-effect = Es wird sofort stillgelegt. Anmeldungen anderswo, für die es benutzt wurde, enden; diese bleibt. Um es wieder zu benutzen, brauchen Sie ein anderes Anmeldemittel.
revoke-lead = Tun Sie das, wenn Sie es nie wieder benutzen werden.
revoke-effect = Es wird endgültig aufgegeben und kann nicht zurückgeholt werden. Was vom Abonnement übrig ist, verfällt.
resync-first = Erster Code
resync-second = Der Code danach
resync-heading = { $serial } wieder in Takt bringen
resync-heading-unnamed = Ihr Token wieder in Takt bringen
resync-lead = Geben Sie einen Code Ihres Tokens ein, warten Sie auf den nächsten, und geben Sie den auch ein.
resync-malformed = Geben Sie beide Codes ein; nur Ziffern.
resync-far-away = Diese Codes folgen zwar aufeinander, aber Ihr Token ist zu weit weg, um ihn hier zurückzuholen. Bitten Sie Ihre Verwaltung um Ersatz.
resync-wrong = Das sind nicht zwei Codes, die aufeinander folgen. Geben Sie einen ein, warten Sie, bis Ihr Token einen anderen zeigt, und geben Sie den als zweiten ein.
rename-heading = { $label } umbenennen
rename-lead = Der Name ist nur für Sie; { $kind } bleibt, was es ist.
name-wrong = Ein Name hat 1 bis 40 Zeichen.

## Hilfe mit Geräten
help-title = Hilfe mit Ihren Geräten
help-heading = Was ist passiert?
help-lead = Mit einem Telefon, einem Token oder einem Security Key, womit Sie sich anmelden.
help-that = Das ist es
help-else = Etwas anderes ist passiert
help-lost = Ich finde es nicht
help-lost-text = Legen Sie es still, während Sie suchen: Dafür genügt Ihr Passwort. Nur ein anderes Gerät von Ihnen kann es wieder wecken. Wenn es wegbleibt, melden Sie den Verlust.
help-stolen = Es wurde gestohlen
help-stolen-text = Schalten Sie es sofort ab: Dafür genügt Ihr Passwort. Überall sonst werden Sie abgemeldet. Ändern Sie dann Ihr Passwort.
help-broken = Es ist kaputt
help-broken-text = Geben Sie es auf, damit niemand es an Ihrer Stelle repariert. Richten Sie dann mit einem Gerät, das noch geht, oder mit einem Wiederherstellungscode Ersatz ein.
help-new = Ich habe ein neues Telefon oder eine neue Nummer
help-new-text = Richten Sie zuerst das neue ein, solange das alte noch geht: unter Manage OTP, auf seiner Karte. Geben Sie dann das alte auf.
help-nothing = Nichts von dem, was ich habe, geht
help-nothing-text = Mit einem Wiederherstellungscode richten Sie ein neues Gerät ein. Haben Sie keinen, fragen Sie den Support: Zwei Personen dort prüfen, wer Sie sind, Sie warten einen Tag, und dann bekommen Sie einen Code.
help-code = Ich habe einen Wiederherstellungscode
help-code-text = Einen der zehn, die Sie ausgedruckt haben.
help-code-use = Wiederherstellungscode benutzen
help-desk = Der Support hat mir einen Code gegeben
help-desk-text = Vorgelesen oder gezeigt; nie per E-Mail oder SMS.
help-desk-use = Code eingeben
help-no-device = Sie haben hier kein Gerät
help-no-device-text = Es gibt nichts abzuschalten.
help-suspend = Vorerst stilllegen
help-report-lost = Verlust melden
help-revoke = Endgültig aufgeben
help-switch-off = Abschalten und anderswo abmelden
help-card = Karte öffnen

## Identitätsprüfung
proofing-heading = Identitätsprüfung
proofing-lead = Jemand von uns sieht Sie und Ihren Ausweis an, einmal. Die Prüfung gehört Ihnen, nicht einem Gerät: Sie bleibt, wenn Sie verlängern oder wechseln.
proofing-done = Ihre Identität wurde am { $at } geprüft.
proofing-done-until = Ihre Identität wurde am { $at } geprüft; das gilt bis { $until }.
proofing-again = Noch einmal anfragen
proofing-get = Identität prüfen lassen
proofing-none = Ihre Identität ist nicht geprüft. Beschaffen Sie sich das Proofing Upgrade oder ein Anmeldemittel mit Identitätsprüfung.
proofing-waits = Sie warten seit { $since }. Wir melden uns bei Ihnen, persönlich oder per Video; halten Sie einen Reisepass oder Personalausweis mit dem Namen { $name } bereit. Wir schreiben Ihnen, wenn entschieden ist; Sie müssen hier nicht warten.
proofing-refused = Es hat nicht geklappt: { $reason } Fragen Sie noch einmal an, wenn das behoben ist.
proofing-refused-for-good = Es hat mehrmals nicht geklappt: { $reason } Sprechen Sie mit Ihrer Verwaltung.

## Mein Konto
verified = Bestätigt
fact-proofed-on = Geprüft am { $date }
fact-not-proofed = Nicht geprüft
fact-email = E-Mail
fact-telephone = Telefon
fact-time-zone = Zeitzone
change-password = Passwort ändern
known-applications = Anwendungen, die Sie kennen

## Anforderungen an die Anmeldung nicht erfüllt
unmet = Anforderungen an die Anmeldung nicht erfüllt
unmet-heading = { $application } verlangt mehr
unmet-accepts = Angenommen wird
unmet-has = Sie haben
unmet-has-nothing = Ein Passwort und noch kein weiteres Anmeldemittel
unmet-no-way = Von hier aus kommen Sie allein nicht weiter. Ihre Verwaltung kann helfen.
unmet-why = Warum, und was hilft
unmet-usable = Kann benutzt werden
unmet-no-phones = Telefone werden nicht angenommen
unmet-refused = Wird hier nicht angenommen
unmet-not-activated = Gekauft, noch nicht aktiviert
unmet-locked = Nach zu vielen falschen Codes gesperrt
unmet-expired = Das Abonnement ist abgelaufen
unmet-expired-on = Das Abonnement ist am { $date } abgelaufen
unmet-not-proofed = Ihre Identität wurde nicht geprüft
unmet-renew = { $kind } verlängern
unmet-get-new = { $kind } neu beschaffen
unmet-activate = { $kind } aktivieren
unmet-why-suspended = Sehen, warum { $kind } stillgelegt ist
unmet-unlock = { $kind } entsperren
unmet-get = { $kind } beschaffen
unmet-get-with-proofing = { $kind } mit Identitätsprüfung beschaffen
unmet-see-proofing = Stand Ihrer Identitätsprüfung ansehen

## Die Schritte einer Anmeldung
login-title = Anmelden
login-field = Benutzerkennung oder E-Mail-Adresse
login-forgot = Benutzerkennung vergessen?
login-empty = Geben Sie Ihre Benutzerkennung oder Ihre E-Mail-Adresse ein.
password-as = Anmeldung als
password-not-you = Das sind nicht Sie?
password-forgot = Passwort vergessen?
password-empty = Geben Sie Ihr Passwort ein.
password-wrong = Benutzerkennung und Passwort passen nicht zusammen, oder es waren zu viele Versuche. Prüfen Sie beides und versuchen Sie es gleich noch einmal.
passkey-use = Passkey benutzen
passkey-failed = Kein Passkey hat geantwortet. Versuchen Sie es noch einmal, oder geben Sie Ihre Benutzerkennung ein.
passkey-refused = Dieser Passkey gilt hier nicht. Geben Sie Ihre Benutzerkennung ein, oder benutzen Sie einen anderen Passkey.
passkey-late = Das hat zu lange gedauert. Versuchen Sie es noch einmal, oder geben Sie Ihre Benutzerkennung ein.
continue = Weiter
cancel = Abbrechen
other-ways = Andere Wege
or = oder
step-continue-to = weiter zu
step-skip = OTP überspringen
step-asks = { $who } verlangt: { $what }.
step-another-factor = einen weiteren Faktor
step-any-otp = ein beliebiges OTP
step-detour = Sie sind dabei zu ändern, womit Sie sich anmelden. Zeigen Sie zuerst etwas, das Sie haben.
factor-title = Noch ein Schritt
factor-heading = Wie möchten Sie fortfahren?
factor-on-the-way = auf dem Weg zu { $application }
factor-last-used = zuletzt benutzt: { $when }
factor-which-number = Welche Nummer?
factor-which-channel = SMS oder Anruf?
factor-text = SMS
factor-call = Anruf
factor-text-only = nur SMS
factor-calls-only = nur Anrufe
factor-none = Ich kann nichts davon benutzen
factor-numbers = { $count ->
    [one] { $count } Nummer
   *[other] { $count } Nummern
}
factor-password = Das Passwort noch einmal eingeben
factor-phone = Einen Code per SMS oder Anruf bekommen
factor-mobile = In der App bestätigen
factor-token = Die angezeigten Ziffern eingeben
factor-key = Den Security Key berühren
factor-recovery = Einen der gedruckten Codes eingeben
factor-choose = Wählen Sie einen der Wege unten.
factor-not-offered = Dieser Weg wird hier nicht angeboten. Wählen Sie einen der Wege unten.
factor-not-yet = Dieser Weg geht noch nicht. Wählen Sie einen anderen.
factor-no-number = Zu diesem Anmeldemittel gibt es keine Nummer.
code-text = Sehen Sie in Ihre Nachrichten
code-text-lead = Wir haben einen Code per SMS an { $number } geschickt.
code-voice = Nehmen Sie den Anruf an
code-voice-lead = Wir rufen { $number } an, um Ihnen einen Code zu sagen.
code-token = Sehen Sie auf Ihren Token
code-token-lead = Geben Sie die Ziffern ein, die Token { $serial } gerade zeigt.
code-token-help = Wenn sie gleich wechseln, warten Sie auf die nächsten.
code-offline = Öffnen Sie Ihre Stepgate-App
code-offline-lead = Wählen Sie dort den Offline-Code und geben Sie die Ziffern hier ein. Eine Verbindung braucht es nicht.
code-recovery-lead = Jeder der gedruckten Codes gilt einmal. Damit richten Sie ein neues Gerät ein.
code-help = Leerzeichen sind egal.
code-works-for = Der Code gilt noch { $left }.
code-nothing-came = Nichts angekommen?
code-resend = Neuen Code schicken
code-resend-from = ab { $time }
code-stuck-none = Der Code kommt nicht an
code-stuck-refused = Die Codes werden abgelehnt
code-stuck-offline = Wie das geht
code-stuck-recovery = Ich habe keine Wiederherstellungscodes
code-wrong-phone = Dieser Code stimmt nicht oder ist zu alt. Prüfen Sie die Ziffern, oder fordern Sie einen neuen Code an.
code-wrong-token = Dieser Code stimmt nicht. Geben Sie die Ziffern ein, die Ihr Token gerade zeigt. Wenn das so weitergeht, ist er vielleicht aus dem Takt: Nehmen Sie einen anderen Weg und öffnen Sie Manage OTP, Abgleichen.
code-wrong-offline = Dieser Code stimmt nicht. Geben Sie die Ziffern ein, die Ihre App gerade zeigt, und prüfen Sie, ob die Uhr Ihres Telefons richtig geht.
code-replayed-phone = Dieser Code wurde schon benutzt. Fordern Sie einen neuen an.
code-locked-other = Es gab zu viele falsche Codes. Warten Sie eine Weile, bevor Sie es noch einmal versuchen, oder nehmen Sie einen anderen Weg.
receipt-delivered = Zugestellt: Ihr Telefon hat ihn.
receipt-answered = Der Anruf wurde angenommen.
receipt-refused = Ihr Anbieter hat ihn abgelehnt. Fordern Sie einen neuen Code an, oder nehmen Sie einen anderen Weg.
receipt-no-call = Der Anruf kam nicht durch. Fordern Sie einen neuen Code an, oder nehmen Sie einen anderen Weg.
receipt-refused-new = Ihr Anbieter hat ihn abgelehnt. Prüfen Sie die Nummer, oder fordern Sie einen neuen Code an.
receipt-no-call-new = Der Anruf kam nicht durch. Prüfen Sie die Nummer, oder fordern Sie einen neuen Code an.
sending-sent = Ein Code ist unterwegs.
sending-too-soon = Ein Code ist unterwegs. Einen neuen können Sie ab { $time } UTC anfordern.
sending-elsewhere = An diese Nummer ging gerade eben ein Code. Warten Sie eine Minute, oder nehmen Sie einen anderen Weg.
sending-capped = Wir haben in der letzten Stunde viele Codes geschickt. Warten Sie eine Weile, oder nehmen Sie einen anderen Weg.
sending-failed = Der Code konnte gerade nicht geschickt werden. Nehmen Sie einen anderen Weg, oder versuchen Sie es in einer Minute noch einmal.
sending-stopped = Zurzeit werden keine Codes geschickt. Nehmen Sie einen anderen Weg, oder versuchen Sie es später noch einmal.
sending-no-such-phone = Diese Nummer ist so nicht zu erreichen. Wählen Sie eine andere.
sending-too-new = Diese Nummer wurde erst vor Kurzem hinzugefügt und gilt ab { $day }, { $time } UTC. Nehmen Sie bis dahin einen anderen Weg.
sending-swapped = Es wurde kein Code geschickt: Die SIM-Karte dieser Nummer wurde vor Kurzem gewechselt. Nehmen Sie einen anderen Weg. Wenn Sie sie nicht gewechselt haben, rufen Sie Ihren Anbieter an.
sending-forwarded = Wir haben nicht angerufen: Anrufe an diese Nummer werden weitergeleitet. Wählen Sie SMS, oder nehmen Sie einen anderen Weg.
sending-inactive = Diese Nummer ist zurzeit nicht in Betrieb. Nehmen Sie einen anderen Weg.
number-none = Das ist keine Nummer, die man wählen kann. Schreiben Sie sie, wie Sie sie zu Hause wählen, oder mit + und der Landesvorwahl.
number-extension = Eine Nummer mit Durchwahl kann keine Codes bekommen. Geben Sie eine Nummer ein, die auf Ihrem eigenen Telefon klingelt.
number-no-country = An Satellitentelefone und andere Netze ohne Land gehen keine Codes. Nehmen Sie die Nummer eines Landes.
number-country = An Nummern dieses Landes ({ $country }) gehen keine Codes. Nehmen Sie die Nummer eines anderen Landes oder ein anderes Anmeldemittel.
number-blocked = An Nummern, die so beginnen, gehen keine Codes. Nehmen Sie eine andere Nummer.
number-premium = Das ist eine Nummer mit Aufpreis. Nehmen Sie die Nummer Ihres eigenen Telefons.
number-service = Das ist die Nummer eines Dienstes, nicht eines Telefons. Nehmen Sie die Nummer Ihres eigenen Telefons.
number-voip = Diese Nummer gehört zu einem Internet-Telefondienst, den jeder mitlesen kann, der das Passwort kennt. Nehmen Sie die Nummer eines Mobiltelefons oder eines Festnetzanschlusses.
number-no-texts = Das ist ein Festnetzanschluss, dort kommen keine SMS an. Wählen Sie stattdessen Anrufe.
number-not-domestic = Ihr Phone OTP gilt nur für Nummern eines Landes ({ $country }). Nehmen Sie eine solche Nummer, oder beschaffen Sie sich Phone OTP für internationale Nummern.
wait-title = Auf dem Telefon bestätigen
wait-heading = Geben Sie diese Zahl in Ihrer Stepgate-App ein
wait-lead = Wir haben { $device } gefragt. Öffnen Sie dort die App, geben Sie die Zahl ein und bestätigen Sie.
wait-your-phone = Ihr Telefon
wait-number = Zahl zum Eingeben
wait-ends = Die Anfrage endet in { $left }. Diese Seite geht von selbst weiter.
wait-approved = Ich habe bestätigt
wait-offline = Keine Verbindung? Offline-Code benutzen
wait-stuck = Mein Telefon wird nicht gefragt
phone-busy = Ihr Telefon wird gerade nach einer anderen Anmeldung gefragt. Beantworten oder verweigern Sie die zuerst, oder nehmen Sie einen anderen Weg.
phone-none = Für dieses Anmeldemittel ist kein Telefon eingerichtet. Nehmen Sie einen anderen Weg.
phone-not-yet = Ihr Telefon hat noch nicht geantwortet. Geben Sie die Zahl dort ein, bestätigen Sie, und kommen Sie dann zurück.
phone-denied = Die Anfrage wurde auf Ihrem Telefon verweigert. Wenn Sie das nicht waren, ändern Sie Ihr Passwort.
phone-wrong-number = Die Zahl, die auf dem Telefon eingegeben wurde, war nicht die von hier. Beginnen Sie noch einmal.
phone-late = Ihr Telefon hat nicht rechtzeitig geantwortet. Beginnen Sie noch einmal, oder nehmen Sie einen anderen Weg.
phone-held = Sie haben gesagt, dass eine Anfrage nicht von Ihnen kam; deshalb werden Ihre Telefone nicht gefragt. Geben Sie einen Offline-Code aus der App ein. Unter Manage OTP, Telefone, können Sie sie wieder fragen lassen.
phone-tired = Ihr Telefon wurde mehrmals gefragt und hat nicht bestätigt; deshalb wird es jetzt nicht gefragt. Geben Sie einen Offline-Code aus der App ein, oder nehmen Sie einen anderen Weg.
key-title = Benutzen Sie Ihren Security Key
key-lead = Stecken Sie ihn ein oder halten Sie ihn an Ihr Gerät, drücken Sie dann den Knopf und berühren Sie ihn.
key-use = Security Key benutzen
key-not-here = Security Keys gehen hier nicht. Wählen Sie einen anderen Weg.
key-not-signed = Der Security Key hat nicht geantwortet, oder er gehört nicht zu Ihren. Versuchen Sie es noch einmal, oder nehmen Sie einen anderen Weg.
key-unverified = Der Security Key wurde berührt, hat aber nicht gefragt, wer Sie sind. Setzen Sie eine PIN und versuchen Sie es noch einmal, oder nehmen Sie einen anderen Weg.
key-copied = Dieser Security Key scheint kopiert worden zu sein und ist deshalb stillgelegt. Nehmen Sie einen anderen Weg, und fragen Sie Ihre Verwaltung.
key-no-scripts = Ein Security Key braucht Skripte, und die sind in diesem Browser abgeschaltet. Schalten Sie sie ein, oder nehmen Sie einen anderen Weg.
key-waiting = Berühren Sie Ihren Security Key, oder folgen Sie dem, was Ihr Browser zeigt.
key-failed = Der Security Key hat nicht geantwortet. Versuchen Sie es noch einmal, oder nehmen Sie einen anderen Weg.
key-taken = Dieser Security Key ist schon eingerichtet. Nehmen Sie einen anderen.
key-unsupported = Dieser Browser kennt keine Security Keys. Nehmen Sie einen anderen Browser oder einen anderen Weg.

## E-Mails zu Bestellungen
order-page = Ihre Bestellung: { $page }
order-line = { $quantity } x { $product }, je { $unit }
order-tax = Steuer: { $sum }
order-total = Summe: { $sum }
order-invoiced-subject = Ihre Rechnung
order-invoiced = { $days ->
    [one] Vielen Dank für Ihre Bestellung. { $then } Bitte bezahlen Sie Rechnung { $invoice } innerhalb von { $days } Tag.
   *[other] Vielen Dank für Ihre Bestellung. { $then } Bitte bezahlen Sie Rechnung { $invoice } innerhalb von { $days } Tagen.
}
order-before-keys = Die Lizenzschlüssel kommen, wenn das Geld da ist.
order-before-renewal = Verlängert wird, wenn das Geld da ist.
order-before-both = Wenn das Geld da ist, wird verlängert, und die Lizenzschlüssel kommen.
order-after-keys = Aktivieren Sie, was für Sie ist, und geben Sie weiter, was für andere ist.
order-after-renewal = Was verlängert wurde, gilt ein Jahr länger. Niemand muss etwas tun.
order-after-both = Was verlängert wurde, gilt ein Jahr länger. Aktivieren Sie, was sonst für Sie ist, und geben Sie weiter, was für andere ist.
order-invoice = Die Rechnung: { $pdf }
order-paid-subject = Ihre Quittung
order-paid-card = Ihre Bestellung ist bezahlt (mit Karte).
order-paid-invoice = Ihre Bestellung ist bezahlt (auf Rechnung).
order-paid-voucher = Ihre Bestellung ist bezahlt (mit einem Gutschein).
order-paid-account = Ihre Bestellung ist bezahlt (über ein Konto).
order-paid-keys = Auf ihrer Seite finden Sie die Lizenzschlüssel. Sie stehen nicht in dieser E-Mail: E-Mails werden von vielen gelesen.
order-cancelled-subject = Ihre Bestellung wurde storniert
order-cancelled = Ihre Bestellung wurde storniert. Es ist nichts zu bezahlen. Falls trotzdem Geld unterwegs ist, gilt die Bestellung wieder, sobald es ankommt.
order-refunding-subject = Ihre Bestellung geht zurück
order-refunding = Sie haben Ihre Bestellung zurückgegeben. Ihre Lizenzschlüssel gelten nicht mehr, und { $sum } gehen zurück.
order-refunding-by-us = Wir nehmen Ihre Bestellung zurück ({ $reason }). Ihre Lizenzschlüssel gelten nicht mehr, und { $sum } gehen zurück.
order-refunded-subject = Ihr Geld ist zurück
order-refunded = { $sum } gingen dorthin zurück, woher sie kamen.
order-refund-refused-subject = Das Geld konnte nicht zurückgehen
order-refund-refused = Der Zahlungsdienst konnte das Geld nicht zurückschicken. Ihre Lizenzschlüssel gelten wieder, und unsere Buchhaltung kümmert sich darum.
order-replaced-subject = Ihr Token wird ersetzt
order-replaced = Statt des kaputten Tokens schicken wir Ihnen einen neuen. Er kostet nichts. Ihr Lizenzschlüssel, oder das Abonnement, das schon läuft, gilt weiter.
order-sent-subject = Ihre Bestellung ist unterwegs
order-sent = Was Sie bestellt haben, ist unterwegs, mit { $carrier }. Sendungsnummer: { $tracking }.
order-sent-tokens = { $count ->
    [one] Darin ist der Token { $serials }.
   *[other] Darin sind die Token { $serials }.
}
order-sent-more = { $serials } und { $more } weitere
order-sent-which = Ein Token, der mit einem Lizenzschlüssel verschickt wurde, gehört dem, der diesen Schlüssel aktiviert: auf der Seite Ihrer Bestellung steht, was wozu gehört.

## Die Garantie von Token
warranty = Garantie
warranty-broken = Es ist kaputt
warranty-broken-effect = Wir sehen es uns an und schicken Ihnen einen anderen Token, oder wir schreiben Ihnen, warum nicht. Bis dahin gilt dieser weiter.
warranty-reason = Was ist kaputt?
warranty-reason-help = In wenigen Worten: die Anzeige bleibt dunkel, der Knopf klemmt, er kam nie an.
warranty-until = Wird ersetzt, wenn er kaputtgeht, bis { $date }
warranty-over = Die Garantie endete am { $date }
warranty-asked = Am { $date } als kaputt gemeldet: wir sehen es uns an
warranty-refused = Nicht ersetzt: { $reason }
warranty-asked-thanks = Danke. Wir sehen es uns an und schreiben Ihnen.
warranty-no-reason = Es wurde nichts gesendet: sagen Sie in wenigen Worten, was kaputt ist.
warranty-asked-before = Es wurde nichts gesendet: zu diesem Token wurde schon gefragt, oder seine Garantie ist vorbei.
warranty-mail-subject = Ihr Token wird nicht ersetzt
warranty-mail = Sie haben uns gemeldet, dass ein Token der Bestellung { $order } kaputt ist. Er wird nicht ersetzt: { $reason }
