### The words of Stepgate in English. Every other language says the same under the same keys, with the same facts.
### Names of products stay what they are: Stepgate, Manage OTP, Phone OTP, Mobile ID, OTP Hardware Token, Security Key.

## Time
month = { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}
date = { $day } { month } { $year }
when-now = just now
when-soon = in a moment
when-minutes = { $count ->
    [one] in { $count } minute
   *[other] in { $count } minutes
}
when-minutes-ago = { $count ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
}
when-hours = { $count ->
    [one] in { $count } hour
   *[other] in { $count } hours
}
when-hours-ago = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
when-days = { $count ->
    [one] in { $count } day
   *[other] in { $count } days
}
when-days-ago = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
}

## What is around every page
frame-skip = Skip to the content
frame-demo = Made-up people, made-up data.
frame-demo-people = People and codes
frame-demo-inbox = Inbox
frame-main = Main
frame-applications = My Applications
frame-account = My Account
frame-administration = Administration
frame-developer = Developer
frame-help = Help
frame-sign-out = Sign out
frame-user = User
frame-organization = Organization
frame-strength = Credential Strength
frame-profile = Profile
frame-orders = Orders
frame-sessions = Sessions
frame-connections = Applications
strength-label = Shown in this session
strength-shown = Shown in this session: { $kinds }.
strength-since = Since { $when }.
strength-until = Until { $when }.
strength-step-not = { $kind }: not shown in this session
strength-not = { $kind }: not shown
strength-is = { $kind }: shown
strength-identity = Identity proofed
strength-none = None
strength-proofed = { $kind }, proofed
step-privacy = Privacy at { $application }
step-terms = Terms of { $application }
form-errors = { $count ->
    [one] One thing to look at:
   *[other] { $count } things to look at:
}
table-first = First page
table-next = Next page

## Kinds and states
kind-password = Password
kind-recovery = Recovery code
state-pending = Not activated yet
state-active = Active
state-suspended = Suspended
state-locked = Locked
state-expired = Expired
state-revoked = Revoked
proofed = Proofed

## Words of several pages
manage-otp = Manage OTP
open-manage-otp = Open Manage OTP
back-to-manage-otp = Back to Manage OTP
back-to = Back to { $application }
have-license-key = I have a license key
get-credential = Get a credential
get-new = Get a new one
renew = Renew
activate = Activate
activate-name = Activate { $name }
elevate = Elevate
test = Test
suspend = Suspend
resume = Resume
revoke = Revoke
report-lost = Report lost
resync = Resync
rename = Rename
numbers = Numbers
phones = Phones
save = Save
name = Name
code = Code
none = None.
never = Never
bought = Bought
expires = Expires
expired = Expired
last-used = Last used
set-up = Set up
user-id = User ID
code-malformed = A code has 6 to 8 digits. Type the digits only.
code-wrong-now = That code is not right. Type the digits that your token shows now.
code-replayed-token = That code was already used. Wait for the next one (up to 30 seconds).
code-locked = There were too many wrong codes. Wait a while before you try again.

## The banner
banner-recovering = You used a recovery code. Set up a new device under Manage OTP: applications stay closed until you have signed in with it.
banner-ends = Your { $name } ends { $when }.
banner-ended = Your { $name } ended { $when }. Until it is renewed it cannot be used to elevate.
banner-ended-on = Your { $name } ended on { $when }. Until it is renewed it cannot be used to elevate.
banner-one-device = You have one device only. Add a second one, or print recovery codes, for the day on which it is gone.
banner-unused = { $name } is yours and not activated yet. It cannot be used before that.

## Mails
mail-greeting = Hello { $name },
mail-when = When: { $when }
mail-from = From: { $address }
mail-not-you = Was this not you? Open this address within three days. It shows what happened and lets you stop it at once:
renewed-by-key-subject = A subscription was renewed
renewed-by-key = { $label } was renewed with a license key.
adopted-subject = Your security key has a subscription
adopted = The security key “{ $label }” has the subscription now that you bought. It is the same key as before, and from now on it ends with its term unless you renew it.
reminder-subject-ends = { $days ->
    [1] { $label } ends tomorrow
   *[other] { $label } ends in { $days } days
}
reminder-subject-today = { $label } ends today
reminder-subject-ended = { $label } has ended
reminder-subject-pending-ends = { $days ->
    [1] { $label }, not activated, ends tomorrow
   *[other] { $label }, not activated, ends in { $days } days
}
reminder-subject-pending-today = { $label }, not activated, ends today
reminder-subject-pending-ended = { $label }, not activated, has ended
reminder-activate = your { $label } was bought and has not been activated. Its year runs all the same, until { $at }: activate it, and it is of use to you until then.
reminder-never-activated = your { $label } was bought and never activated, and its year ended on { $at }. It can be neither activated nor renewed; when you need one, get a new one.
reminder-ends = your { $label } ends on { $at }.
reminder-today = your { $label } ends today, at { $at }. From then on it cannot be used to elevate. Your password still works.
reminder-ended = your { $label } ended on { $at }, and applications that ask for it are closed to you.
reminder-renew-before = Renew it before then, and a year is added to that date: your device stays, and your identity proofing if you have one.
reminder-renew-still = You can still renew it: your device stays, and your identity proofing if you have one.
reminder-renew-from = It can be renewed from { $at } on; your device stays then, and your identity proofing if you have one.
reminder-anew = It cannot be renewed: you need a new one.
reminder-until = It can be renewed until { $at }. After that you need a new one.
reminder-auto-renew-failed = It was to be renewed by itself, and was not, because neither an account nor a card pays for it, or for a fault of ours: please renew it yourself.
card-announced-subject = { $label } will be renewed on { $on }
card-announced = your { $label } ends on { $ends }. It will be renewed by itself on { $on }, for { $price }, on the card { $card }. There is nothing that you have to do.
card-announced-link = Switch it off, or see what it costs, here:
card-announced-ends = This card itself ends before then: please give another one under Manage OTP. Switch the renewal off, or see what it costs, here:
card-renewed = your { $label } was renewed for another year: { $price }, on the card { $card }. Your device stays, and your identity proofing if you have one.
card-renewed-link = The order and its receipt:
card-not-paid-subject = { $label } could not be renewed
card-not-paid-authentication = your { $label } was to be renewed today, for { $price }, on the card { $card }, and your bank wants you to confirm the payment yourself. Nothing was charged. It works until { $ends }.
card-not-paid-ended = your { $label } was to be renewed today, for { $price }, on the card { $card }, and the card has expired. Nothing was charged. It works until { $ends }.
card-not-paid-gone = your { $label } was to be renewed today, for { $price }, on the card { $card }, and the card is not on file any more. Nothing was charged. It works until { $ends }.
card-not-paid-declined = your { $label } was to be renewed today, for { $price }, on the card { $card }, and your bank declined it. Nothing was charged. It works until { $ends }.
card-not-paid-again = We try the card again on { $on }.
card-not-paid-last = We do not try the card again.
card-not-paid-link = Pay for it yourself here, with any card:
reminder-do-renew = Renew it here:
reminder-do-activate = Activate it here:
reminder-do-renew-from = It will be renewed here:
reminder-do-anew = What you have, and where you get another one:
reminder-preferences = Which of these mails you get, and in which language, you choose here. The one on the last day always comes:
auto-renewed-subject = { $label } was renewed
auto-renewed = your { $label } was renewed for another year, until { $until }, on your organization's account (order { $order }). There is nothing for you to do.
auto-renewed-switch = You can switch this off on its page:

## Terms
term-expired = Expired on { $ended }. It cannot elevate until it is renewed, which is possible until { $until }; { $proofed ->
    [yes] your device and your proofing stay.
   *[no] your device stays.
}
term-ends = Ends on { $ends }. Renewed now, it lasts a year longer than that.
term-expired-for-good = Expired on { $ended }, too long ago to be renewed. Get a new one.
renew-heading = Renew { $label }
renew-lead = { $price } for another year of { $product }: until { $until }. { $proofed ->
    [yes] Your device and your proofing stay as they are.
   *[no] Your device stays as it is.
}
renew-lead-bundle = { renew-lead } What you bought together with it is renewed as well.
renew-add = Add to cart
renew-opens = It can be renewed from { $from } on. There is nothing to do yet.
renew-endless = It does not end, so there is nothing to renew.
auto-renew-on = It is renewed by itself: { $plan }.
auto-renew-on-unpaid = It is to be renewed by itself, but nobody's account or card pays for it yet. Until then we only remind you.
auto-renew-on-unpaid-card = It is to be renewed by itself, but nobody's account or card pays for it yet. Give a card for it, or until then we only remind you.
auto-renew-off = It can be renewed by itself: { $plan }.
auto-renew-off-card = It can be renewed by itself with a card that you give for it on the next page, or once your organization has an account that pays.
auto-renew-off-unpaid = It can be renewed by itself once your organization has an account that pays; until then we only remind you.
plan-account = on { $on }, for { $price }, on your organization's account
plan-card = on { $on }, for { $price }, on the card { $card }
plan-nobody = on { $on }, for { $price }, as soon as somebody pays for it
plan-late-account = { $price } on your organization's account, but not any more before this end: renew it by hand
plan-late-card = { $price } on the card { $card }, but not any more before this end: renew it by hand
plan-late-nobody = { $price } as soon as somebody pays for it, but not any more before this end: renew it by hand
card-name = { $brand } ending in { $digits }
card-for-renewals = Card for renewals
auto-renew-start = Renew by itself
auto-renew-stop = Do not renew by itself

## Reminders and language
reminders = Reminders
reminders-lead = Before a subscription ends we say so here on every page, and by mail. On the day itself we always write.
reminders-by-mail = By mail
reminders-mails = Remind me by mail
reminders-days = 60, 30, 15 and 7 days before the end, and 30 days after it.
language = Language
language-help = For your pages and for the mails that we write to you. Some pages exist in English only.
language-of-browser = As my browser asks
change-language = Language and reminders

## Manage OTP
manage-otp-lead = What you sign in with beside your password.
otp-empty = You have no OTP credential yet
otp-empty-text = Many applications ask for more than a password. Get one, or use a license key that somebody gave you.
otp-empty-help = How it goes
in-this-session = In this session
offered-first = offered first
view-details = View details
add-phone = Add phone
upgrade = Upgrade
get-another = Get another credential
add-security-key = Add security key
recovery-codes = Recovery codes
recovery-codes-left = Recovery codes: { $left } left
otp-help = Lost, stolen, broken, new?
try-phone = Try your phone
go-on = Go on to the application
go-on-to = Go on to { $application }
key-synced = Synced between your devices
key-on-one-device = On one device only
phone-text-and-calls = Text and calls
phone-text-only = Text only
phone-calls-only = Calls only
phone-delivered = Last code delivered { $when }
phone-refused = Your carrier refused the last code { $when }
phone-first = Offered first
phone-number = Number
phone-takes = Takes
phone-proved = Proved
phone-order = Order
device = Phone
device-state = State
device-unconfirmed = Not confirmed
card-needs-proofing = It was bought with identity proofing: an agent looks at you first, then it can be set up.
card-token-comes = A token is being made ready for you. When it has come, activate it with its serial number and the registration code that we mail to you.
card-pending = Bought, not set up yet: it cannot be used until you activate it.
card-too-late = Its year ended on { $ended }, before it was set up. Get a new one.
adopt-key = Use “{ $label }”
card-locked = Locked after too many wrong codes. Ask your administrator to unlock it.
card-rests = After several wrong codes it rests for a while. Try again later.
suspended-paused = You put it to rest. Nobody can use it until you resume it.
suspended-lost = You reported it lost. If you have found it, sign in with another credential and resume it; else revoke it.
suspended-not-me = Suspended because you told us “this was not me”. If all is well again, sign in with another credential and resume it.
suspended-by-administrator = Suspended. Ask your administrator why.
status-proofing = { $label } waits for your identity proofing
status-set-up = Set up your { $label }
status-set-up-text = It is yours, and cannot be used before that.
status-key = { $name } waits for you
status-key-text = It is bought and yours, and becomes a credential when you activate it.
status-asked = Your identity proofing
status-expired = { $label } has expired
status-ends = { $label } ends soon
see-proofing = See where it stands
done-resynced = Your token is in step again.
done-token-activated = Your token is set up. From now on its codes can be used.
done-renamed = The new name is saved.
done-phone-added = Your phone is set up. From now on it can approve logins. Try it now: this browser will show six digits, and the phone will ask whether you log in, for what and from where. Type the digits there.
done-key-added = Your security key is set up. It can be used from now on.
done-key-adopted = Your security key has the subscription now that you bought.
done-recovered = That worked. Set up a new device now: you have five minutes before we ask again.
done-password = Your password is changed. The old one does not work any more.
done-stolen = It is switched off, and you are signed out everywhere else. Now change your password.
done-suspended = It is suspended. Nobody can use it until you resume it.
done-lost = It is suspended, and logins that it was used for elsewhere have ended. Get another one soon.
done-resumed = It can be used again.
done-revoked = It is given up. It opens nothing any more.
done-redeemed = The key is yours. Now set up what it became.
done-renewed = It is renewed. Nothing else about it changes.
done-saved = Saved.
done-language = From now on we speak English with you.

## One credential
fact-kind = Kind
fact-serial = Serial number
fact-bought-as = Bought as
fact-by-itself = Renewed by itself
fact-failures = Failed tries since
fact-identity = Identity
fact-clock = Clock
fact-codes-used = Codes used
clock-unseen = not seen yet
clock-in-step = in step with ours
clock-ahead = about { $seconds } seconds ahead, which is fine
clock-behind = about { $seconds } seconds behind, which is fine
resume-needs-code = To resume it, type the code that it shows now.
resume-needs-other = To resume it you need another credential than this one and your password. Ask your administrator, or revoke it and get a new one.
resume-by-phone = Resume on your phone
resume-by-number = Resume by a code to your number
resume-by-code = Resume by a code
resume-code-help = The digits that your token shows now.
test-clock = Its clock is { $clock }.
test-codes = Codes of it that were used so far: { $count }.
test-answered = It was asked and answered as it should.
test-works = { $label } works
test-session = Your session is as strong as it was before.
history = History
history-when = When
history-what = What
history-where = Where
history-with = With
history-for = For
history-none = Not used yet.
browser-on = { $browser } on { $system }
browser-unknown = A browser
history-used = Used
history-administrator = An administrator
history-failed = Failed try
history-lost = Reported lost
history-not-me = “This was not me”
history-resumed = Resumed
history-tested = Tested: it works
history-renamed = Renamed
history-unlocked = Unlocked
history-renewed = Subscription renewed
history-auto-renew = Renewal by itself switched
history-other = Changed
lost-lead = Do this when you no longer have it, or somebody else may.
lost-effect = It is suspended at once. Logins elsewhere in which it was used end; this one stays. To use it again you need another credential.
revoke-lead = Do this when you will never use it again.
revoke-effect = It is given up for good and cannot be brought back. What is left of its subscription goes with it.
resync-first = First code
resync-second = The code after it
resync-heading = Bring { $serial } back into step
resync-heading-unnamed = Bring your token back into step
resync-lead = Type a code from your token, wait for the next one, and type that as well.
resync-malformed = Type both codes; digits only.
resync-far-away = These codes do follow one another, but your token has run too far away to be brought back here. Ask your administrator for another one.
resync-wrong = These are not two codes that follow one another. Type one, wait until your token shows another, and type that one as the second.
rename-heading = Rename { $label }
rename-lead = The name is yours alone; { $kind } stays what it is.
name-wrong = A name has 1 to 40 characters.

## Help with devices
help-title = Help with your devices
help-heading = What happened?
help-lead = To a phone, a token or a key that you sign in with.
help-that = That is it
help-else = Something else happened
help-lost = I cannot find it
help-lost-text = Suspend it while you look: your password is enough for that. Only another device of yours can wake it up again. If it stays away, report it lost.
help-stolen = It was stolen
help-stolen-text = Switch it off at once: your password is enough for that. You are signed out everywhere else. Then change your password.
help-broken = It is broken
help-broken-text = Give it up, so that nobody repairs it in your place. Then set up another one with a device that still works, or with a recovery code.
help-new = I have a new phone or number
help-new-text = Set up the new one first, while the old one still works: under Manage OTP, on its card. Then give the old one up.
help-nothing = Nothing that I have works
help-nothing-text = A recovery code lets you set up a new device. Without one, ask the help desk: two of their people check who you are, you wait a day, and they give you a code.
help-code = I have a recovery code
help-code-text = One of the ten that you printed.
help-code-use = Use a recovery code
help-desk = The help desk gave me a code
help-desk-text = Read out or shown to you; never by mail or text.
help-desk-use = Type the code
help-no-device = You have no device here
help-no-device-text = There is nothing to switch off.
help-suspend = Suspend it for now
help-report-lost = Report it lost
help-revoke = Give it up for good
help-switch-off = Switch it off and sign out elsewhere
help-card = Open its card

## Identity proofing
proofing-heading = Identity proofing
proofing-lead = Somebody of ours looks at you and at your document, once. It belongs to you, not to a device: it stays when you renew or change what you hold.
proofing-done = Your identity was proofed on { $at }.
proofing-done-until = Your identity was proofed on { $at }, until { $until }.
proofing-again = Ask again
proofing-get = Get proofed
proofing-none = Your identity is not proofed. Get the Proofing Upgrade, or a credential with proofing.
proofing-waits = You are in the queue since { $since }. An agent will get in touch with you, in person or by video; have a passport or an identity card ready that bears the name { $name }. We write to you when it is decided; you need not wait here.
proofing-refused = It did not work out: { $reason } Ask again when that is mended.
proofing-refused-for-good = It did not work out several times: { $reason } Speak with your administrator.

## My Account
verified = Verified
fact-proofed-on = Proofed on { $date }
fact-not-proofed = Not proofed
fact-email = Email
fact-telephone = Telephone
fact-time-zone = Time zone
change-password = Change password
known-applications = Applications that know you

## Login requirements not met
unmet = Login requirements not met
unmet-heading = { $application } needs more
unmet-accepts = It accepts
unmet-has = You have
unmet-has-nothing = A password, and no OTP credential yet
unmet-no-way = There is no way from here that you can take alone. Your administrator can help.
unmet-why = Why, and what mends it
unmet-usable = Can be used
unmet-no-phones = Phones are not accepted
unmet-refused = Not accepted here
unmet-not-activated = Bought, not activated yet
unmet-locked = Locked after too many wrong codes
unmet-expired = Its subscription has ended
unmet-expired-on = Its subscription has ended: expired on { $date }
unmet-not-proofed = Your identity has not been proofed
unmet-renew = Renew your { $kind }
unmet-get-new = Get a new { $kind }
unmet-activate = Activate your { $kind }
unmet-why-suspended = See why your { $kind } is suspended
unmet-unlock = Unlock your { $kind }
unmet-get = Get { $kind }
unmet-get-with-proofing = Get { $kind } with identity proofing
unmet-see-proofing = See where your identity proofing stands

## The steps of a login
login-title = Sign in
login-field = User ID or email address
login-forgot = Forgot your user ID?
login-empty = Type your user ID or your email address.
password-as = Signing in as
password-not-you = Not you?
password-forgot = Forgot your password?
password-empty = Type your password.
password-wrong = That user ID and password do not belong together, or there were too many tries. Check both and try again in a moment.
passkey-use = Use a passkey
passkey-failed = No passkey answered. Try again, or type your user ID.
passkey-refused = That passkey cannot be used here. Type your user ID, or use another passkey.
passkey-late = That took too long. Try again, or type your user ID.
continue = Continue
cancel = Cancel
other-ways = Other ways
or = or
step-continue-to = to continue to
step-skip = Skip OTP
step-asks = { $who } asks for { $what }.
step-another-factor = another factor
step-any-otp = any OTP
step-detour = You are about to change what you sign in with. First show something that you have.
factor-title = One more step
factor-heading = How do you want to go on?
factor-on-the-way = on the way to { $application }
factor-last-used = last used { $when }
factor-which-number = Which number?
factor-which-channel = Text or call?
factor-text = Text
factor-call = Call
factor-text-only = text only
factor-calls-only = calls only
factor-none = I cannot use any of these
factor-numbers = { $count ->
    [one] { $count } number
   *[other] { $count } numbers
}
factor-password = Type the password again
factor-phone = Get a code by text or call
factor-mobile = Approve in the app
factor-token = Type the digits it shows
factor-key = Touch the key
factor-recovery = Type one of the printed codes
factor-choose = Choose one of the ways below.
factor-not-offered = That way is not offered here. Choose one of the ways below.
factor-not-yet = That way cannot be used yet. Choose another one.
factor-no-number = There is no number for this credential.
code-text = Check your messages
code-text-lead = We texted a code to { $number }.
code-voice = Take the call
code-voice-lead = We are calling { $number } to tell you a code.
code-token = Look at your token
code-token-lead = Type the digits that token { $serial } shows now.
code-token-help = If it is about to change, wait for the next one.
code-offline = Open your Stepgate app
code-offline-lead = Choose Offline code there and type the digits here. No connection needed.
code-recovery-lead = Each of the printed codes works once. It lets you set up a new device.
code-help = Spaces do not matter.
code-works-for = The code works for another { $left }.
code-nothing-came = Nothing came?
code-resend = Send another code
code-resend-from = from { $time }
code-stuck-none = The code does not arrive
code-stuck-refused = Its codes are refused
code-stuck-offline = How that works
code-stuck-recovery = I have no recovery codes
code-wrong-phone = That code is not right, or it is too old. Check the digits, or ask for another code.
code-wrong-token = That code is not right. Type the digits that your token shows now. If this goes on, your token may be out of step: use another way and open Manage OTP, Resync.
code-wrong-offline = That code is not right. Type the digits that your app shows now, and check that your phone's clock is right.
code-replayed-phone = That code was already used. Ask for another one.
code-locked-other = There were too many wrong codes. Wait a while before you try again, or use another way.
receipt-delivered = Delivered: your phone has it.
receipt-answered = The call was answered.
receipt-refused = Your carrier refused it. Ask for another code, or use another way.
receipt-no-call = The call did not get through. Ask for another code, or use another way.
receipt-refused-new = Your carrier refused it. Check the number, or ask for another code.
receipt-no-call-new = The call did not get through. Check the number, or ask for another code.
sending-sent = A code is on its way.
sending-too-soon = A code is on its way. You can ask for another one from { $time } UTC.
sending-elsewhere = A code went to this number a moment ago. Wait a minute, or use another way.
sending-capped = We have sent many codes in the last hour. Wait a while, or use another way.
sending-failed = The code could not be sent just now. Use another way, or try again in a minute.
sending-stopped = Codes are not sent at the moment. Use another way, or try again later.
sending-no-such-phone = That number cannot be reached this way. Choose another one.
sending-too-new = That number was added a short time ago and can be used from { $day }, { $time } UTC. Use another way until then.
sending-swapped = No code was sent: the SIM card of that number was changed a short time ago. Use another way. If you did not change it, call your telephone company.
sending-forwarded = No call was made: calls to that number are forwarded to another one. Choose a text, or use another way.
sending-inactive = That number is not in use at the moment. Use another way.
number-none = This is not a number that can be dialled. Write it as you dial it at home, or with + and the country code.
number-extension = A number with an extension cannot get codes. Type a number that rings at your own phone.
number-no-country = Codes are not sent to satellite phones and other networks without a country. Use a number of a country.
number-country = Codes are not sent to numbers in { $country }. Use a number of another country, or another kind of credential.
number-blocked = Codes are not sent to numbers that begin like this one. Use another number.
number-premium = This is a number with a surcharge. Use the number of your own phone.
number-service = This is the number of a service, not of a phone. Use the number of your own phone.
number-voip = This number belongs to an internet telephone service, which anybody who knows its password can read. Use the number of a mobile phone or a landline.
number-no-texts = This is a landline, and texts do not arrive there. Choose calls instead.
number-not-domestic = Your Phone OTP is for numbers in { $country } only. Use such a number, or get Phone OTP for international numbers.
wait-title = Approve on your phone
wait-heading = Type this number in your Stepgate app
wait-lead = We asked { $device }. Open the app there, type the number and approve.
wait-your-phone = your phone
wait-number = Number to type
wait-ends = The request ends in { $left }. This page goes on by itself.
wait-approved = I have approved
wait-offline = No connection? Use an offline code
wait-stuck = My phone is not asked
phone-busy = Your phone is being asked about another login. Answer or deny that one first, or use another way.
phone-none = No phone is set up for this credential. Use another way.
phone-not-yet = Your phone has not answered yet. Type the number there, approve, then come back.
phone-denied = The request was denied on your phone. If that was not you, change your password.
phone-wrong-number = The number that was typed on the phone was not the one shown here. Start again.
phone-late = Your phone did not answer in time. Start again, or use another way.
phone-held = You said that a request was not yours, so your phones are not asked. Type an offline code out of the app. Under Manage OTP, Phones, you can have them asked again.
phone-tired = Your phone was asked several times without an approval, so it is not asked now. Type an offline code out of the app, or use another way.
key-title = Use your security key
key-lead = Plug it in or hold it to your device, then press the button and touch the key.
key-use = Use the key
key-not-here = Security keys cannot be used here. Choose another way.
key-not-signed = The key did not answer, or it is not one of yours. Try again, or use another way.
key-unverified = The key was touched, but it did not ask who you are. Set a PIN on it and try again, or use another way.
key-copied = This key seems to have been copied, so it is suspended. Use another way, and ask your administrator.
key-no-scripts = A security key needs scripts, and they are switched off in this browser. Switch them on, or use another way.
key-waiting = Touch your key, or follow what your browser shows.
key-failed = The key did not answer. Try again, or use another way.
key-taken = This key is set up already. Use another one.
key-unsupported = This browser knows no security keys. Use another browser, or another way.

## Mails about orders
order-page = Your order: { $page }
order-line = { $quantity } x { $product }, { $unit } each
order-tax = Tax: { $sum }
order-total = Total: { $sum }
order-invoiced-subject = Your invoice
order-invoiced = { $days ->
    [one] Thank you for your order. { $then } Please pay invoice { $invoice } within { $days } day.
   *[other] Thank you for your order. { $then } Please pay invoice { $invoice } within { $days } days.
}
order-before-keys = The license keys come when the money has come.
order-before-renewal = It is renewed when the money has come.
order-before-both = When the money has come, it is renewed, and the license keys appear.
order-after-keys = Activate what is for you, and hand on what is for others.
order-after-renewal = What was renewed lasts a year longer. Nobody has anything to do.
order-after-both = What was renewed lasts a year longer. Activate what else is for you, and hand on what is for others.
order-invoice = The invoice: { $pdf }
order-paid-subject = Your receipt
order-paid-card = Your order is paid (by card).
order-paid-invoice = Your order is paid (by invoice).
order-paid-voucher = Your order is paid (with a voucher).
order-paid-account = Your order is paid (on account).
order-paid-keys = On its page you find the license keys. They are not in this mail: mails are read by many.
order-cancelled-subject = Your order was cancelled
order-cancelled = Your order was cancelled. Nothing is to be paid. If money is on its way all the same, the order comes back to life when it arrives.
order-refunding-subject = Your order goes back
order-refunding = You gave your order back. Its license keys are void, and { $sum } go back.
order-refunding-by-us = We give your order back ({ $reason }). Its license keys are void, and { $sum } go back.
order-refunded-subject = Your money is back
order-refunded = { $sum } went back to where they came from.
order-refund-refused-subject = The money could not go back
order-refund-refused = The payment provider could not send the money back. Your license keys are good again, and our finance department looks into it.
order-replaced-subject = Your token is replaced
order-replaced = A new token is sent to you in place of the broken one. It costs nothing. The license key, or the subscription that runs already, is the one that you have.
order-sent-subject = Your order is on its way
order-sent = What you ordered is on its way, with { $carrier }. Tracking number: { $tracking }.
order-sent-tokens = { $count ->
    [one] In it is the token { $serials }.
   *[other] In it are the tokens { $serials }.
}
order-sent-more = { $serials } and { $more } more
order-sent-which = A token that was sent with a license key becomes whoever's activates that key: the page of your order says which goes with which.

## The warranty of tokens
warranty = Warranty
warranty-broken = It is broken
warranty-broken-effect = We look into it, and send another token in its place, or write to you why not. Until then this one goes on to count.
warranty-reason = What is broken
warranty-reason-help = In a few words: the display stays dark, the button is stuck, it never came.
warranty-until = Replaced if it breaks, until { $date }
warranty-over = The warranty ended on { $date }
warranty-asked = Said to be broken on { $date }: we look into it
warranty-refused = Not replaced: { $reason }
warranty-asked-thanks = Thank you. We look into it, and write to you.
warranty-no-reason = Nothing was sent to us: say in a few words what is broken.
warranty-asked-before = Nothing was sent to us: somebody asked about this token before, or its warranty is over.
warranty-mail-subject = Your token is not replaced
warranty-mail = You told us that a token of order { $order } is broken. It is not replaced: { $reason }
