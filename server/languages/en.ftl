agent = Agent
all = All
amount = Amount
attention = Attention
attention-none = Nothing needs you.
attention-open = Look at all of it
badges = At the doors
badges-none = Nobody has shown a card yet.
card-enrol-at = Enrol a card at { $door }
card-give = Give this card
card-lost = lost
card-mark-found = Found again
card-mark-lost = Lost
card-mark-returned = Returned
card-ok = works
card-returned = returned
card-type = Type a card's number
cards = Cards
cards-count = { $count ->
    [one] 1 card
   *[other] { $count } cards
}
cards-none = No card yet.
cash = Cash
clock = Clock
clock-doubtful = cannot be relied on
clock-right = right
currency = Currency
do-accept = It is meant
do-approve = Go on
do-confirm = The link is right
do-cover = Cover the member
do-default-type = Stand-in for unknown types
do-end-grant = End the grant
do-end-now = End now
do-give-card = Give a card
do-hold = Withhold access
do-link = Link to the member
do-make-type = Make the type
do-map = Name the price's type
do-new-member = Make a new member
do-replay = Apply again
do-resend = Send lists again
do-retry = Ask Stripe again
do-revoke = Revoke the agent
do-seen = Seen
do-uncover = Free the seat
door = Door
door-behind = Has not the newest list yet.
door-current = Has the newest list.
door-identify = Blink
door-out-of-contact = Out of contact: it goes on from the list it has.
door-unlock = Unlock once
doors = Doors
doors-none = There is no door yet.
end-now = End now
explain-at = At another moment
explain-do = Explain
field-code = Code of your phone
field-label = What you call it
field-mail = Mail address
field-member = Number of the member
field-membership = Membership type
field-name = Name
field-new-password = New password
field-password = Password
field-reason = Why
field-token = The server's token
field-uid = Number of the card
format-day = %Y-%m-%d
format-moment = %Y-%m-%d %H:%M
format-time = %H:%M:%S
grant-make = Give access
grants = Given and withheld
hold = On hold
hold-lift = Lift
hold-make = Withhold access
how = How
keyholder = Keyholder: passes in a lockdown, too
last-day = Last day (empty: until ended)
lockdown = locked down
lockdown-begin = Lock this zone down
lockdown-end = End the lockdown
lockdown-what = In a lockdown only keyholders pass; whoever is inside gets out as always. It lasts until somebody ends it.
may-agents-change = Pair, restart and revoke agents
may-attention-resolve = Resolve attention items
may-attention-see = See the attention list
may-badges-see = See what happened at the doors
may-cards-give = Give cards
may-cards-lend = Lend fobs and take them back
may-cards-mark = Mark cards lost, found or returned
may-cards-see = See cards, by their last digits
may-catalogue-map = Say which price is which type
may-catalogue-retrofit = Write tags into prices at Stripe
may-coverage-name = Say who pays for whom
may-discounts-make = Make discount codes
may-doors-change = Add, change and remove doors
may-doors-command = Unlock a door once
may-doors-lock-down = Lock a zone down
may-doors-see = See doors, zones and schedules
may-gift-cards-make = Make and void gift cards
may-gift-cards-redeem = Redeem gift cards
may-grants-make = Give access by hand
may-holds-make = Withhold access
may-import = Import members
may-inbox-see = See what Stripe sent
may-inductions-note = Note inductions
may-addresses-replace = Replace a mail address by another
may-keyholders-name = Name keyholders
may-members-change = Change names and addresses
may-members-create = Make members
may-members-see = See members and why they are let in
may-money-see = See payments, credit and gift cards
may-payments-record = Record cash and transfers
may-payments-void = Void recorded payments
may-pins-set = Set PINs
may-plans-change = Change plans
may-rules-change = Change types, zones and schedules
may-rules-see = See membership types and prices
may-sessions-end = End own sessions
may-staff-change = Invite people and change their rights
may-staff-see = See who has rights
may-today-see = See what is going on today
me = You
member = Member
member-change = Change name and address
member-new = New member
members = Members
members-none = Nobody fits.
membership = Membership type
months = Months
more = More
name = Name
navigation = Pages
no = no
note = Note
older = Older
payment-record = Record a payment
payments = Payments
payments-none = No payment yet.
pays-for = For
people = Rights
people-invite = Invite
people-invited = { $name } comes in by this link, once, within a week. It is shown only now:
people-link = Link
people-remove = Take all rights
people-waits = (invited)
refused-back = Nothing was changed. Go back in your browser: what you typed is still there.
reported = Last report
rights = Who may do what
role = Role
role-admin = Admin
role-front-desk = Front desk
role-owner = Owner
role-read-only = Read only
role-treasurer = Treasurer
save = Save
search = Name or address
search-do = Search
session-end = End
session-seen = last used { $at }
session-since = since { $at }
session-this = (here)
sessions = Where you are signed in
sign-in = Sign in
sign-in-lost = Phone or password lost? An owner can invite you again.
sign-in-refused = That was not right, or the code was used before. Try again with the next code.
sign-in-wait = Too many tries. Wait a few minutes, then try again.
sign-out = Sign out
skip = To the content
spooled = Events to come
standing = Standing
state-good = in good standing
state-grace = in grace
state-held = on hold
state-lapsed = lapsed
state-none = not derived yet
state-pending = pending
state-stranger = never in
story = What happened
today = Today
transfer = Transfer
until = Until / since
version = Version
welcome = Welcome
welcome-begin = Begin
welcome-code-wrong = The code does not fit: type the one that the app shows now.
welcome-first = Nobody has rights on this server yet. Whoever has its token becomes the first owner: the token was printed when the server was first started.
welcome-incomplete = Name and mail address are needed.
welcome-invited = { $name }, choose how you sign in.
welcome-password-rule = At least 12 characters, and nothing that is guessed at once; a few random words are good.
welcome-password-weak = This password is too short or too easy to guess.
welcome-phone = Codes of your phone
welcome-scan = Read this picture with an app for codes, then type the code that it shows.
welcome-token-wrong = This is not the server's token.
welcome-type = Or type into the app:
what = What
when = When
who = Who
why = Why
yes = yes

# Cards and fobs that are lent.
card = Card
card-doors = What the doors know
card-doors-all = Every door has said that it knows.
card-doors-none = No door was ever told of this card.
card-doors-waiting = { $count ->
    [one] One door has not said yet that it knows.
   *[other] { $count } doors have not said yet that they know.
}
card-neighbours = The number right before or after this one is in use. Cards that were bought together are easily taken for each other, and who reads one can guess the next:
card-state = State
cards-all = All cards
cards-no-match = No card fits.
cards-search = Label or last digits
enrol-do = Enrol
enrol-for = Card for
enrol-placeholder = number or name
enrol-taps = Then the card is shown at the door twice, within 20 seconds.
enrol-whose = Whose card will it be?
field-format = Written as
field-who = Member (number, or part of the name)
format-decimal = decimal, one number
format-decimal-what = 0077705923: what most USB readers type by themselves, and what is printed on many fobs.
format-decimal_reversed = decimal, bytes reversed
format-decimal_reversed-what = 3283263748: the same card at a reader that begins with the last byte.
format-hex = hexadecimal
format-hex-what = 04A1B2C3, with or without spaces, colons or hyphens: as the doors read it.
format-hex_reversed = hexadecimal, bytes reversed
format-hex_reversed-what = C3B2A104: the same card at a reader that begins with the last byte.
format-site = site,number
format-site-what = 161,45763: printed on fobs; three bytes, as of readers with Wiegand 26.
formats = How numbers are written
formats-reader = A USB reader types the number and Enter as a keyboard does: put the cursor into the field, and show the card to the reader. Enrol one card at a door first and compare the last four digits; then you know which way your reader writes.
formats-short = Many readers at a desk leave out the first byte of 125 kHz fobs. If the last digits are right and the door still refuses, enrol at the door.
list-ended = opens nothing here any more
list-held = is withheld
list-known = Knows
list-known-no = no: out of contact
list-known-soon = not yet
list-known-yes = yes, signed
list-lapsed = has lapsed
list-lost = is lost: refused
list-ok = may pass
list-says = The card
list-unlisted = is not on the list: refused
loaner = Fob to lend
loaner-add = Add a fob to the pool
loaner-back-by = Back by
loaner-label = What is written on it
loaner-lend = Lend
loaner-overdue = not returned
loaner-remove = Take out of the pool
loaner-return = Returned
loaner-there = here
loaner-uid = Number of the fob
loaner-or = Or by tapping it:
loaner-taps = Press a button, then show the fob twice at that door within 20 seconds.
loaner-until = lent until { $at }
loaner-with = with
loaners = Fobs to lend
loaners-none = No fob is in the pool yet.
loaners-what = A lent fob opens what its borrower may open, and nothing from its end on: the doors know that by themselves.
since = Since

# Zones, schedules, locations, doors, agents.
address = Address
agent-code = The code alone:
agent-code-command = What to type at the door's machine
agent-code-until = Type this at the door's machine before { $at }. The code is shown only now, and works once.
agent-diagnostics = Diagnostics
agent-new = New agent
agent-new-code = New pairing code
agent-paired = Paired
agent-paired-at = Paired since
agent-refused = Refused messages
agent-restart = Restart
agent-revoke-what = Its signature and its password no longer count; its doors go on from the list they have. Pair it anew to use it again.
agent-revoked = Revoked
agent-told = Done.
agent-unpaired = Not paired yet
agents = Agents
agents-none = There is no agent yet.
agents-what = An agent is the small computer at a door; it serves one door or more.
day-fri = Friday
day-holiday = Holidays
day-mon = Monday
day-sat = Saturday
day-sun = Sunday
day-thu = Thursday
day-tue = Tuesday
day-wed = Wednesday
door-again = Marked if the same card passes again within (seconds)
door-again-what = The card passes all the same; the badge log says that it was back so soon. Empty: never.
door-change = Change this door
door-enrols = Cards are enrolled here
door-hold-open = Hold open
door-hold-open-what = All doors of its zone stand unlocked until then, also without the network. Empty: no longer.
door-id-what = As the door is called in its agent's settings. It never changes.
door-lag = Age of the newest list when it reported
door-new = New door
door-remove = Remove this door
door-remove-what = Its agent no longer serves it. What happened there stays in the badge log.
door-state = State
field-id = Short name (letters, digits, - and _)
holidays = Holidays
holidays-what = One day in each line, like 2026-12-24. On these days only the hours that a schedule has for holidays count; a schedule without them is closed.
hours-always = always
hours-never = never
kept-degraded = An older list is used, for the newest could not be read.
kept-stored = Stored.
kept-volatile = Only in memory: look at its disk.
knob-clock = Refuse scheduled access while the clock cannot be relied on
knob-clock-what = Without this, a door whose clock is lost lets members with hours in at any hour, and marks it.
knob-first = Only once a first member has passed
knob-hall = Stands unlocked by itself
knob-hall-what = Like a shop in its opening hours. Never in a lockdown.
knob-induction = Only members with an induction
knob-induction-what = For machines that must be shown before they are used.
knob-offline = Hours that a renewal may be late while a door is out of contact
knob-offline-what = A member whose subscription renews while the door hears nothing stays in for so long. Empty: two weeks.
knob-pin = A PIN must follow the card
knob-pin-what = For example at night. Members set none: they are refused then.
knob-readers = Readers that see only the last bytes of a card
knob-readers-what = For Wiegand with 26 bits write 3. Cards that such readers could not tell apart are refused when they are given.
knob-staleness = Hours without contact after which only keyholders pass
knob-staleness-what = For rooms where a lost card must not work for days. Empty: never; members get in although the network is down.
location = Location
location-new = New location
locations = Locations
lockdown-title = Lockdown
preview-ask = This is what the change would do:
preview-gain = { $count ->
    [one] One member may enter from now on
   *[other] { $count } members may enter from now on
}
preview-lose = { $count ->
    [one] One member may no longer enter
   *[other] { $count } members may no longer enter
}
preview-no = Nothing is changed yet. Go back in your browser to change something else.
preview-other-hours = { $count ->
    [one] One member may enter at other hours
   *[other] { $count } members may enter at other hours
}
preview-waits = So many would lose access at once that it waits for your yes.
preview-yes = Yes, change it
schedule = Schedule
schedule-closed = closed
schedule-grid = Drag over the hours that are open. With the keyboard: arrow keys to move, space to open or close, Shift and an arrow key to draw.
schedule-holidays = On a holiday of the location only the line for holidays counts.
schedule-hours = Hours of a week
schedule-lines = Hours like 08:00-12:00, 14:00-22:00. A night is two lines: to 24:00, and from 00:00 on the next day.
schedule-new = New schedule
schedule-unused = No zone uses this schedule yet.
schedules = Schedules
schedules-none = There is no schedule yet.
schedules-what = The hours at which a membership type opens a zone. A type without a schedule opens always.
seconds-count = { $count ->
    [one] 1 second
   *[other] { $count } seconds
}
shadow = Refused in the last 14 days
shadow-granted = { $count ->
    [one] A card was let in once.
   *[other] Cards were let in { $count } times.
}
shadow-last = Last
shadow-refused = { $count ->
    [0] No member was refused.
    [one] One member was refused.
   *[other] { $count } members were refused.
}
shadow-times = Times
shadow-unknown = { $count ->
    [0] No unknown card was shown.
    [one] An unknown card was shown once.
   *[other] Unknown cards were shown { $count } times.
}
shadow-what = This door's agent drives no lock: whoever is listed here would have stood outside. Settle it, then take `shadow = true` out of the agent's settings.
shadow-how = Before a door is switched over, its agent can run with `shadow = true`: it then drives no lock, and this list says who would have been refused.
shadow-would = Would have been refused in the last 14 days
door-shadow = Shadow mode: its lock is not driven.
time-zone = Time zone
zone = Zone
zone-held-open = The doors stand unlocked until { $at }.
zone-knobs = Settings
zone-new = New zone
zone-open = Stand open
zone-open-any = Any card passes (open house)
zone-open-doors = The doors are unlocked
zone-open-house = Open house: any card passes until { $at }.
zone-open-until = Until (empty: no longer)
zone-open-what = Doors out of contact know it, too, once they have heard of it, and lock again by themselves.
zone-rename = Name and place
zone-who = Who may enter when
zone-who-save = Before it is saved you see who would gain or lose access.
zones = Zones
zones-none = There is no zone yet.
zones-what = A zone is one door or more that the same members may pass at the same hours.
# --- money, Stripe, first steps
about = About
after = After
back = Back
became = What became of it
before = Before
catalogue = Prices
catalogue-ask = Ask Stripe for its prices now
catalogue-events = This is what events showed; with a key Stripe would list all of it.
catalogue-memberships = Memberships
catalogue-odd = To look at
catalogue-others = No membership
catalogue-what = A price is a membership if its description or id at Stripe begins with membertype_ and the name of a type, or if somebody says so here.
changed = Standings that change
come-in = Come in by it
compare = Compare, change nothing
compare-approve = Mend it although { $count } lose access
compare-mend = Compare and mend
compare-what = Mending takes over what Stripe says. If more than a few members would lose access by it, they keep it until somebody says yes.
compared = { $count ->
    [one] 1 subscription compared
   *[other] { $count } subscriptions compared
}
count = Number
covered-seat = seat { $seat }
customer = Customer
customer-id = Id of the customer at Stripe
customer-link = Link a customer of Stripe's
customer-unconfirmed = to be confirmed
customers = Customers at Stripe
differences-held = { $count ->
    [one] 1 member would lose access and keeps it until somebody says yes.
   *[other] { $count } members would lose access and keep it until somebody says yes.
}
differences-mended = What differed, and was mended:
differences-none = Nothing differs.
differences-told = What differs; nothing was changed:
done = done
event = Event
event-came = Came
event-did = What it did
event-did-nothing = Nobody's standing changed by it.
event-made = Made by Stripe
every-day = { $count ->
    [one] a day
   *[other] every { $count } days
}
every-month = { $count ->
    [one] a month
   *[other] every { $count } months
}
every-week = { $count ->
    [one] a week
   *[other] every { $count } weeks
}
every-year = { $count ->
    [one] a year
   *[other] every { $count } years
}
fate-applied = counts
fate-asking = Stripe is asked
fate-held = held back
fate-ignored = says nothing
fate-pending = waits
fate-poisoned = not applied
fate-why-applied = What it says was taken over, in its place among all events.
fate-why-asking = It does not say how things are now: Stripe is asked for that.
fate-why-held = It is old news that, with others, would take access from many: it waits for a yes on the attention list.
fate-why-ignored = It says nothing about access.
fate-why-pending = It is kept and will be applied in a moment.
fate-why-poisoned = It could not be applied.
go-out = Go out by it
inbox = Events
inbox-none = No event.
key-account-wrong = No: it is of another account or mode, or does not read it.
key-bad = Something is missing: give the key these permissions at Stripe, or use another one.
key-check = Check what the key may read
key-good = The key reads what is needed.
locked-out = Who would be locked out tonight
locked-out-ends = Access ends within a day.
locked-out-held = On hold.
locked-out-more = { $count ->
    [one] And 1 more.
   *[other] And { $count } more.
}
locked-out-no-card = Has no card that works.
locked-out-no-door = Where this membership opens, no paired agent serves a door.
locked-out-no-induction = What it opens needs an induction first.
locked-out-no-zone = No zone is opened by this membership.
locked-out-nobody = Nobody who pays or may come in.
locked-out-not-paid = The subscription runs, and what is due is not paid.
locked-out-not-yet = The first payment has not arrived, or it begins later.
locked-out-what = They pay or may come in, and no door would open for them:
may-books-see = See what payments come to
may-inbox-replay = Apply events again
may-start-follow = Follow the first steps
may-stripe-compare = Compare with Stripe
may-stripe-see = See how Stripe is heard
mode-live = live: real money
mode-test = test: play money
money = Money
month = Month
never = never
paid-by = paid by
payers = { $count ->
    [one] 1 pays by it
   *[other] { $count } pay by it
}
paying = Who pays for whom
paying-nobody = Nothing at Stripe pays for this member or is paid by them.
paying-nothing = Active, paying nothing
paying-nothing-none = Everybody who is let in pays.
paying-nothing-what = They are let in, and for no day of the last month or later was anything paid for them.
payment-void = Declare void
payments-file = Download as a file (CSV)
pays-for-people = Pays for
permission = Permission
permission-optional = (for refunds, disputes and codes)
place-default = by the stand-in for unknown types
place-id = by its id
place-lookup-key = by its lookup key
place-mapping = said here
place-metadata = by its metadata
place-nickname = by its description
place-plan-name = by the plan's name
place-product-description = by the product's description
place-product-metadata = by the product's metadata
place-product-name = by the product's name
plan-change = Change the plan
plan-do = Change it so
plan-due = To be paid
plan-hour = These numbers are Stripe's and good for an hour.
plan-no-prices = There is no other price that is a membership.
plan-none = No subscription with a membership runs.
plan-now = at once; what is left of the period is set off
plan-period-end = with the next period
plan-preview = See what it costs
plan-preview-what = Nothing is changed by looking.
plan-to = To
plan-total = Total
price = Price
price-archived = not sold any more
price-gone = gone at Stripe
price-map = Say so here
price-no-membership = no membership
price-unmap = Let its name at Stripe rule again
reconciliation = Comparison
reconciliation-what = Every night everything is compared with what Stripe lists.
replay-what = What it says is not counted twice.
retrofit = Write a type into a price at Stripe
retrofit-do = Write it at Stripe
retrofit-nothing-yet = Nothing is written yet.
retrofit-preview = See what writing it at Stripe changes
seat-free = nobody yet
seat-name = Name somebody
seat-who = Name, mail address or number
show = Show
start = First steps
start-agent-name = What the Raspberry Pi is called
start-all-done = All is done: the doors work.
start-bring = Bring in who pays at Stripe already
start-bring-what = Whoever pays for a membership at Stripe already becomes a member here, linked by their mail address if somebody has it.
start-card = The first card
start-card-what = Choose a member, enrol a card at the door or type its number, then show it at the door. This step is done when a door opened for a member.
start-cash = No Stripe? Then skip this: it is done with the first payment that you record by hand.
start-clock = By it, it is { $time } now.
start-club = Name and clock
start-club-name = What the club is called
start-code = The pairing code of { $agent }, shown only now:
start-code-new = New pairing code for { $agent }
start-code-until = Good until { $time }, once.
start-door = The first door
start-door-example = Front door
start-door-in-contact = in contact
start-door-make = Make the door and its pairing code
start-door-name = What the door is called
start-door-nobody = no agent serves it
start-door-unpaired = waits to be paired
start-door-what = A Raspberry Pi at the door reads cards, decides by itself and drives the lock.
start-door-zone-first = Make a zone first.
start-go-on = Go on with the first steps
start-pi-far = The broker listens on this machine only. For a Raspberry Pi that is another machine, start the server so, with its own address in the network:
start-pi-setup = The second command asks for the door's name, written behind it, and listens to the reader. If the address in the third says 127.0.0.1 or localhost, write the server's address in the network.
start-pi-type = On the Raspberry Pi, one after the other:
start-progress = { $done } of { $all } done
start-pull = With one key, nothing public
start-pull-check = Check it here.
start-pull-make = At Stripe, make a restricted key with the permission Read for:
start-pull-none = The server has no key yet.
start-pull-put = Write it into the settings file, readable for nobody else, and start the server with it. It is never kept in the database.
start-pull-variable = Or as an environment variable:
start-pull-what = The server asks Stripe every few seconds what happened. That is enough for a club behind a home router.
start-stripe = Stripe
start-time-zone = Time zone
start-time-zone-why = Opening hours and ends follow this clock.
start-type-id = Short name, as in membertype_…
start-type-make = Make a membership
start-types = Memberships
start-types-found = Prices at Stripe name these, and they are not here yet:
start-types-odd = { $count ->
    [one] 1 price is to be looked at.
   *[other] { $count } prices are to be looked at.
}
start-types-take = Take all of them over
start-types-what = What members pay for. A price at Stripe whose description begins with membertype_ and a short name belongs to it.
start-webhook = Or Stripe calls this server (a webhook)
start-webhook-address = At Stripe, add an endpoint with this address:
start-webhook-events = Select exactly these events:
start-webhook-https = (Stripe needs the public address, with https.)
start-webhook-none = No event has come yet.
start-webhook-secret = Write the endpoint's signing secret into the settings file and start the server again.
start-webhook-test = Send a test event from Stripe's dashboard, then look here again.
start-webhook-what = For servers with a public address: news is here at once. Together with a key it is confirmed, too.
start-what = From here to the first card at the door. Leave it whenever you like: it knows what is done.
start-zone = The first zone
start-zone-example = Workshop
start-zone-opens = Opened at all hours by
start-zone-types-first = Make a membership first.
start-zone-what = Doors that open for the same people belong to one zone.
stripe = Stripe
stripe-account = Account
stripe-confirmed = Key last good
stripe-heard = News of Stripe comes in
stripe-last-event = Last event
stripe-listed = Prices last listed
stripe-mode = Mode
stripe-reconciled = Last compared
stripe-unheard = No news of Stripe comes in
subscription = Subscription
sure = Are you sure?
sure-what = { $count ->
    [one] This takes access from 1 member.
   *[other] This takes access from { $count } members at once. Nothing was changed yet.
}
totals = Totals
unread = Stripe could not be read
way-none = Nothing is set up: neither a key nor a webhook.
way-pull = By a key: the server asks Stripe every few seconds.
way-webhook = By a webhook: Stripe calls, and nothing confirms it.
way-webhook-and-key = By a webhook, and a key confirms it.
where = Where
# --- members' own pages
may-members-data = See all that is kept about a member, in one file
may-members-forget = Forget a member for good
may-own-use = A member's own page (every member, for themselves)
own = My membership
own-again = Send another link
own-ago-minutes = { $count ->
    [one] a minute ago
   *[other] { $count } minutes ago
}
own-ago-seconds = { $count ->
    [one] 1 second ago
   *[other] { $count } seconds ago
}
own-back = Back
own-begins = Nothing has to be done.
own-cancel = End my subscription
own-card-on-file = Change my card for payments
own-cards-none = You have no card yet. Staff give you one at the front desk.
own-collected = Your payment is on its way; nothing has to be done now.
own-come-in = My membership: come in
own-door-away = { $door } opens, as far as it knows. It is out of contact since { $at } and goes by what it heard before.
own-door-behind = { $door } has not heard the latest yet. Wait a moment.
own-door-knows = { $door } knows ({ $ago }): tap your card.
own-door-new = { $door } has never reported.
own-doors-none = No door knows a card of yours.
own-export = Download all that is kept about me
own-forget = Erase all that is kept about me
own-forgetting = You will be forgotten
own-forgotten-on = On { $date } all that is kept about you is erased. Until then your cards open nothing, and you can take it back.
own-good = You are in good standing. Your card opens the doors.
own-good-renews = You are in good standing. Your card opens the doors until { $date }, and longer once your payment is renewed.
own-good-until = You are in good standing. Your card opens the doors until { $date }.
own-grace = A payment is missing. Your card still opens the doors until { $date }.
own-held = Your access is on hold.
own-held-until = Your access is on hold until { $date }.
own-keep = Take it back: keep my membership
own-kept = What is kept about me
own-lapsed = Your membership has ended, on { $date }. Your card opens nothing.
own-link-gone = This link was used, or is too old. Have another one sent.
own-lost = I have lost it
own-lost-is = Doors refuse it. If you find it, show it to staff: only they can let it in again.
own-lost-what = Doors refuse this card at once. Only staff can undo that.
own-lost-yes = Yes, it is lost
own-membership = Membership
own-membership-none = You have none now.
own-no-password = We send you a link that lets you in. There is no password.
own-opens-now = By now it would open: tap again.
own-owed = { $amount } is open. Ask staff how to pay it.
own-pay = Pay { $amount }
own-payer = Somebody else pays for you, and a payment is missing: ask them.
own-pending = Your first payment has not arrived. Your card opens nothing yet.
own-pending-from = Your membership begins on { $date }.
own-per-month = a month
own-per-period = each period
own-per-year = a year
own-plan = Change my plan
own-plan-costs-now = It begins at once, and { $amount } is charged, with what is left of your period set off.
own-plan-costs-then = It begins with your next period, and { $amount } is charged then.
own-plan-see = See what it costs
own-plan-none = There is no other plan that you can change to by yourself. Ask staff.
own-plan-now = (begins at once)
own-plan-then = (begins with the next period)
own-plan-yes = Yes, change my plan
own-receipt = Receipt
own-send-link = Send me a link
own-sent = If somebody has this address, a link is on its way. It works once, for 15 minutes.
own-sent-not = Nothing there? Look among the junk, or ask staff which address they have of you.
own-staff = Talk to staff; they can help.
own-stranger = You have no membership here yet.
own-stripe-away = Our payment service does not answer now. Nothing was changed. Try again in a few minutes.
own-until = until { $date }
own-until-renewed = until { $date }, then it is renewed
own-wait = Asked for too often. Wait an hour, or look for the link that came before.
own-who = Several people have this address. Who are you?
own-why-shut = Why did my card not open?
to-start = Start
own-forget-books = Payments, amounts and dates stay for the books, with a number in place of your name. Backups of the club keep the rest until they are replaced.
own-forget-cards = Your cards open nothing from now on.
own-forget-subscriptions = Your subscriptions no longer renew, and end when the week is over. What you have paid is not paid back by this.
own-forget-week = In a week everything that is kept about you is erased. Until then you can take it back here, or by the link in the letter that we send you now.
own-forget-yes = Erase everything, and end my subscriptions
member-export = Download all that is kept about this member
member-forget = Forget this member: end subscriptions, erase everything in a week
member-forgotten-on = On { $date } all that is kept about this member is erased.
member-keep = Take that back
member-kept = What is kept
# Letters. What stands in { } is put in when they are sent.
letter-payment-pending-subject = Your first payment is on its way
letter-payment-pending-body =
    Hello { $name },

    your first payment to { $club } is on its way. Until it has arrived your card opens nothing; that takes a few bank days. You need not do anything.

    How it stands: { $link }
letter-kind-payment-pending = First payment on its way
letter-first-payment-failed-subject = Your first payment did not arrive
letter-first-payment-failed-body =
    Hello { $name },

    your first payment to { $club } failed, so your membership has not begun. Try once more, perhaps with another card or account:

    { $link }
letter-kind-first-payment-failed = First payment failed
letter-payment-failed-subject = Your payment failed
letter-payment-failed-body =
    Hello { $name },

    { $amount } could not be collected for your membership of { $club }. { $standing }

    Pay, or give another card or account, here:
    { $link }
letter-kind-payment-failed = Payment failed
letter-action-required-subject = Your bank wants you to confirm a payment
letter-action-required-body =
    Hello { $name },

    your bank wants you to confirm { $amount } for your membership of { $club }. { $standing }

    Confirm it here:
    { $link }
letter-kind-action-required = Payment to be confirmed
letter-trial-ends-subject = Your trial ends on { $date }
letter-trial-ends-body =
    Hello { $name },

    your trial at { $club } ends on { $date }. From then on your membership is paid as you chose it; if you do not want that, end it before:

    { $link }
letter-kind-trial-ends = Trial ends
letter-ends-on-subject = Your membership ends on { $date }
letter-ends-on-body =
    Hello { $name },

    your membership of { $club } ends on { $date }; until then your card opens the doors as before. If you want to stay:

    { $link }
letter-kind-ends-on = Membership ends
letter-upgrade-waiting-subject = Your new plan waits for its payment
letter-upgrade-waiting-body =
    Hello { $name },

    your new plan at { $club } begins as soon as it is paid. That has to happen before { $date }; until then your plan of before goes on.

    { $link }
letter-kind-upgrade-waiting = New plan waits
letter-upgrade-lapsed-subject = Your plan was not changed
letter-upgrade-lapsed-body =
    Hello { $name },

    your new plan at { $club } was not paid in time, so your plan of before goes on. You can change it again at any time:

    { $link }
letter-kind-upgrade-lapsed = New plan not paid
letter-payment-ends-subject = What you paid is used up on { $date }
letter-payment-ends-body =
    Hello { $name },

    what you paid to { $club } lasts to { $date }. So that your card goes on opening the doors, pay before then, as you did last time or here:

    { $link }
letter-kind-payment-ends = Payment by hand ends
letter-grace-ends-subject = Your card stops opening the doors on { $date }
letter-grace-ends-body =
    Hello { $name },

    your last payment to { $club } is still missing. Your card opens the doors until { $date }, then no more.

    Pay here, and everything goes on as before:
    { $link }
letter-kind-grace-ends = Grace ends
letter-lapsed-subject = Why the door stayed shut
letter-lapsed-body =
    Hello { $name },

    your card was shown at the door { $door } of { $club } and refused: your membership is over since { $date }.

    The way back in takes a minute, and the doors know it seconds later:
    { $link }
letter-kind-lapsed = Refused at a door
letter-card-lost-subject = Your card is blocked
letter-card-lost-body =
    Hello { $name },

    your card { $card } was reported lost to { $club }. It opens nothing any more.

    If it turns up again, or if this was not you, tell us. How it stands: { $link }
letter-kind-card-lost = Card lost
letter-sign-in-subject = Your link to { $club }
letter-sign-in-body =
    Hello { $name },

    by this link you come in, once, until { $date }:

    { $link }

    If you did not ask for it, leave it: without it nobody comes in.
letter-kind-sign-in = Sign-in link
letter-erase-asked-subject = Your data will be erased on { $date }
letter-erase-asked-body =
    Hello { $name },

    as was asked, everything that { $club } keeps about you is erased on { $date }. Your cards open nothing any more. What the law makes us keep stays in the books, without your name.

    If this was not you, or if you want to stay, take it back before then:
    { $link }
letter-kind-erase-asked = Erasure asked for
letter-invited-subject = You are invited to { $club }
letter-invited-body =
    Hello { $name },

    you are given rights on the server of { $club }. By this link you choose how you sign in, once, until { $date }:

    { $link }
letter-kind-invited = Invitation
letter-attention-subject = { $club }: { $what }
letter-attention-body =
    Hello { $name },

    { $what }

    What to do: { $remedy }

    { $link }

    You get such letters at most once an hour for the same cause. You can switch them off on your own page.
letter-kind-attention = Something needs staff
letter-digest-subject = { $club }: the week to { $until }
letter-digest-body =
    Hello { $name },

    { $club } from { $from } to { $until }:

    Joined: { $joined }
    Lapsed: { $lapsed }
    In grace now: { $grace }
    Money that is nobody's: { $unmatched }

    { $link }
letter-kind-digest = Digest of the week
letter-standing-grace = Your card opens the doors until { $date }.
letter-standing-in = Your card opens the doors.
letter-standing-out = Your card opens nothing at the moment.
mail = Letters
mail-body = Text
mail-due = is tried { $at }
mail-example = How it reads
mail-language = Language of letters
mail-no-secrets = Links that only the reader may follow are left out.
mail-none = Nobody was written to yet.
mail-nowhere = No mail server is set, so nobody gets these letters: they lie in the folder mail of DATA_DIR, where the server’s own user reads them. Set SMTP_URL and MAIL_FROM.
mail-outcome = What came of it
mail-over = There is no reason for this letter any more, so its text is not made.
mail-places = What is put in:
mail-preview = See how it reads
mail-reset = Back to our text
mail-staff = Person { $number } of the staff
mail-subject = Subject
mail-text-ours = This is our text.
mail-text-own = This is your own text.
mail-texts = Texts
mail-waits = waits
me-mailed = Write to me of what cannot wait, and of the week on Mondays
people-mailed = It is on its way by mail, too.
may-letters-see = See letters
may-letters-write = Write the texts of letters
may-staff-mailed = Be written to, or not
letter-outcome-sent = sent
letter-outcome-refused = refused for good
letter-outcome-later = put off by the mail server
letter-outcome-unwelcome = the mail server takes none from us
letter-outcome-unreachable = the mail server does not answer
letter-outcome-nobody = not sent: its reader is gone or no member
letter-outcome-no-address = not sent: no mail address
letter-outcome-over = not sent: not so any more
letter-outcome-unreadable = not sent: of another version
letter-example-item = A door agent has not reported for ten minutes; its doors go on from their last list.
letter-example-remedy = Check the agent’s power and network.
# --- audit log and passkeys
about-agent = Agents
about-attention = Attention
about-card = Cards
about-catalogue = Prices
about-command = Commands to doors
about-coverage = Seats
about-customer = Customers
about-door = Doors
about-gift-card = Gift cards
about-grant = Access given
about-hold = Holds
about-import = Import
about-location = Locations
about-member = Members
about-membership-type = Membership types
about-payment = Payments
about-schedule = Schedules
about-staff = People with rights
about-standing = Standing
about-zone = Zones
audit = Audit log
audit-broken = The log is not whole: { $what }. Compare it with a backup.
audit-change = Before and after
audit-check = Check the whole log
audit-erased = erased with the member's data
audit-fields = { $count ->
    [one] 1 field
   *[other] { $count } fields
}
audit-member = Member's number
audit-none = Nothing of this kind was done.
audit-server = Server
audit-token = Server's token
audit-whole = { $count ->
    [one] The log is whole: 1 line.
   *[other] The log is whole: { $count } lines.
}
may-audit-see = Read the audit log
may-passkeys-keep = Change own password and passkeys
passkey-add = Add a passkey
passkey-help = A passkey is kept by this phone, computer or security key, and used with its PIN, finger or face. Sign in with it, without a password and without a code.
passkey-name = Name of the passkey
passkey-never = never used
passkey-remove = Remove
passkey-script = Passkeys need a browser with scripts.
passkey-sign-in = Sign in with a passkey
passkey-since = since { $at }
passkey-used = last used { $at }
passkeys = Passkeys
passkeys-none = No passkey yet.
password-change = Change the password
password-current = Password until now
password-wrong = This is not your password.
people-sign-out = Sign out everywhere
sign-in-busy = Too many sign in at once. Try again in a few seconds.
# --- members at the treasurer's desk
found-all = { $count ->
    [one] 1 member.
   *[other] { $count } members.
}
found-first = The first { $count } members; there are more.
only = Odd
only-no_card = without a card
only-paying_nothing = in, paying nothing
busiest = Busiest hour
details = What exactly
format-month = %b %y
format-weekday = %a %d
from = From
may-notes-erase = Erase notes
may-notes-see = Read notes
may-notes-write = Write notes about members
note-erase = Erase
note-erased = erased by { $name }, { $at }
note-write = Write a note
notes = Notes
refused-times = Refused
timeline = The last year
timeline-of = What the last year was for { $name }; the same is in the table below.
timeline-one = Only the last year
timeline-table = The same as a table
timeline-two = Two years
until-day = Until
visits = Visits
visits-count = { $count ->
    [one] 1 visit
   *[other] { $count } visits
}
visits-counted = { $passed } let in, { $refused } refused
week = This week
week-drawn = Visits of the last seven days, by day and hour; the same is in the table below.
bulk-after = After
bulk-all = All that fit
bulk-approved = It is meant, though so many lose access at once
bulk-before = Before
bulk-cards_lost = Mark cards lost
bulk-change_type = Change what cash pays for
bulk-choose = Choose
bulk-chosen = { $count ->
    [one] 1 member is chosen.
   *[other] { $count } members are chosen.
}
bulk-days = Days more
bulk-done = { $count ->
    [one] Done, to 1 member.
   *[other] Done, to { $count } members.
}
bulk-end_holds = Lift holds
bulk-export = Save as a table
bulk-extend = Extend what cash pays for
bulk-go = Go on
bulk-grant = Give access
bulk-hold = Withhold access
bulk-keyholder = Make keyholders
bulk-label = Name their cards
bulk-lost = { $count ->
    [one] 1 member loses access.
   *[other] { $count } members lose access.
}
bulk-no_keyholder = No longer keyholders
bulk-preview = See what it does
bulk-what = With those chosen
bulk-would = This would happen
bulk-yes = { $count ->
    [one] Do it, to 1 member
   *[other] Do it, to { $count } members
}
may-members-bulk = Do something to many members at once
may-members-export = Save members as a table
number = Number
unaffected-already_so = it is so already
unaffected-no_card = no card that works
unaffected-no_cash = no cash that runs
unaffected-no_hold = not on hold
form-decimal = decimal: 0077705923
form-hexadecimal = hexadecimal: 04A1B2C3
form-wiegand = three and five digits: 118,02135
holds-amount = Amount
holds-cards = Cards
holds-currency = Currency
holds-first_name = First name
holds-last_name = Last name
holds-mail = Mail address
holds-membership = Membership type
holds-name = Name
holds-nothing = (leave out)
holds-paid_until = Paid until
import = Switch over from another system
import-again = Look again
import-all = { $count ->
    [one] Take 1 row over
   *[other] Take all { $count } rows over
}
import-before = Taken over before
import-column = Column
import-columns = What the columns hold
import-currency = Currency of amounts that name none
import-done = This was taken over
import-faults = { $count ->
    [one] 1 thing is wrong
   *[other] { $count } things are wrong
}
import-file = Table (CSV)
import-form = Card numbers
import-good = { $count ->
    [one] Take the 1 good row over
   *[other] Take the { $count } good rows over
}
import-how = Save the members of the other system as a table (CSV), with the names of its columns in the first line. What it would do is shown first; the same table again adds nothing.
import-is-new = new,
import-known = { $count ->
    [one] 1 row has nothing new
   *[other] { $count } rows have nothing new
}
import-left = These members were left as they are:
import-look = Look at it
import-made = { $count ->
    [one] 1 new member
   *[other] { $count } new members
}
import-paid = paid
import-payments = { $count ->
    [one] 1 payment
   *[other] { $count } payments
}
import-row = Row
import-type = Membership type of rows that name none
import-undo = Undo all of it
import-undone = { $count ->
    [one] Undone for 1 member.
   *[other] Undone for { $count } members.
}
import-upload = A table
import-was-undone = undone { $at }
import-what = What is wrong, and what to do
none = none
left-came = was at a door since
left-changed = changed by staff since
left-pays = pays by Stripe
trouble-alike = Readers that see only the last bytes of a card could not tell this one from another: take another card.
trouble-amount = This is no amount: write it like 40.00, or leave it empty.
trouble-currency = Write the currency in three letters, like EUR.
trouble-customer = Stripe does not know this customer.
trouble-day = This is no day: write it like 2026-12-31 or 31.12.2026, or leave it empty.
trouble-decimal = Decimal card numbers have up to 17 digits, like 0077705923.
trouble-different = Its mail address and its cards belong to different members: look at both first.
trouble-hexadecimal = Hexadecimal card numbers have 3 to 10 bytes of two digits each, like 04A1B2C3.
trouble-mail = A mail address has one @ and no spaces: correct it, or leave it empty.
trouble-name = A name has 1 to 200 characters: write one.
trouble-nameless = The row needs a mail address or a card, by which the member is found again.
trouble-no_type = What was paid for is missing: name a membership type here, or choose one for all rows without.
trouble-rounded = A spreadsheet has rounded this number: make its column text there, type the number anew, save again.
trouble-same_card = Row { $about } has the same card: a card belongs to one member.
trouble-same_mail = Row { $about } has the same mail address: leave it to one of the two, the other is found by a card.
trouble-shared_mail = Several members have this mail address: give the row a card of the one who is meant.
trouble-unknown_type = There is no such membership type: make it first, or write one of { $about }.
trouble-wiegand = Such card numbers are written like 118,02135: up to 255, and up to 65535.
# --- sentences of standing, doors and the attention list
amount-unknown = an unknown amount
and-further = { $one }; { $other }
attention-active-without-payment = Stripe keeps a subscription active though its invoice was voided or written off. Access goes on.
attention-audit-rewritten = The audit log is not the one that was seen before: lines were changed or are gone.
attention-audit-rewritten-broken = The audit log is not whole: { $what }.
attention-cancelled-early = A subscription was cancelled before its paid time was over. Access goes on to the paid end.
attention-cannot-forget = A member is to be forgotten, and a subscription still runs that could not be ended.
attention-catalogue-change = A price that members may pay by names another membership type now. Nothing was changed.
attention-confirm-link = A customer was linked to the only member with its mail address.
attention-disconnected = The owner of the Stripe account took this platform's access away: nothing more is heard of payments. Nobody lost access by it; who pays for another period will not be seen.
attention-dispute = A payment is disputed. Access was not changed by it.
attention-dispute-inquiry = The bank asks about a payment of the running period. Access was not changed by it.
attention-dispute-lost = A dispute was lost, the money is gone. Access was not changed by it.
attention-door-ahead = A door holds a newer or another list than this server; nothing is published to its zone.
attention-duplicate-subscription = Two subscriptions give the same member the same membership type: it is paid twice.
attention-events-lost = Agent { $agent } lost { $lost } events of its doors; at { $grants } of them a door was opened for somebody.
attention-exit-stuck = An exit button has been pressed for longer than anybody presses it.
attention-fire = The fire input is active; the lock is released in hardware.
attention-forced = The door was opened though nothing had released it.
attention-fraud-warning = The issuer of a card suspects fraud. Access was not changed by it.
attention-gift-card = A gift card is being redeemed, and Stripe has not confirmed it yet.
attention-granted-not-active = A grant without an end lets the member in, though everything at Stripe has ended.
attention-guessing = Many different unknown cards were shown within a minute.
attention-held-open = The door has stood open for too long.
attention-invoice-stuck = Stripe could not finalize an invoice (often a tax address); it will not be paid as it is.
attention-late-news = Old news of Stripe would take access from { $count } members at once. What would take it waits.
attention-list-not-kept-degraded = A door goes on from an older list: the newest one on its disk could not be read.
attention-list-not-kept-volatile = A door has its list only in memory: storing it failed, and after a restart the door goes on from an older one.
attention-lock-fault = The lock does not do what it is told.
attention-mail-refused = The mail server did not take a letter to { $whom }: { $what }. It is not tried again.
attention-mail-stuck = The mail server does not answer. Letters wait.
attention-mail-stuck-unwelcome = The mail server takes no letters from this server ({ $code }). They wait.
attention-mandate-ended = A bank no longer lets the club collect from an account; the next renewal will fail.
attention-mass-brake = { $cause } would take access from { $count } members at once. Nobody lost it.
attention-messages-refused = A door refused { $count } messages that it cannot trust or use.
attention-near-miss = A price looks as if it should name a membership type, but does not.
attention-needs-card = A new member pays and has no card yet.
attention-out-of-contact = A door agent has not reported for ten minutes; its doors go on from their last list.
attention-paid-but-refused = Door { $door } refused a member who may enter. To the door it was so: { $why }
attention-payment-ending = What was paid by hand is used up within a week.
attention-pin-locked = { $what }
attention-poisoned-event = A Stripe event could not be applied; it is kept.
attention-proposed-link = A customer pays for a membership and has the mail address of exactly one member.
attention-reader-gone = The reader does not answer: nobody gets in by a card.
attention-reconciliation-brake = Reconciliation with Stripe would take access from { $count } members at once. Nobody lost it.
attention-refund = All that was paid for the running period was given back. Access was not changed by it.
attention-revoked-card-held = a card of a member on hold was presented, and refused.
attention-revoked-card-lost = a card reported lost was presented, and refused.
attention-seat-removed = Fewer seats are paid than members were named for. Who was named last keeps access to the end of the period.
attention-seat-unnamed = Seats are paid and cover nobody.
attention-stream-withheld = A door reports, but has not seen a signed head of its zone for ten minutes.
attention-stripe-not-readable = Stripe cannot be read with this key. Nobody lost access.
attention-stripe-not-readable-other = The Stripe key belongs to another account or mode than the one on record. Nobody lost access.
attention-stripe-unreachable = Stripe could not be asked about a customer; what is known stays in force.
attention-stripe-unreachable-implausible = Stripe no longer shows subscriptions that it showed before; they stay in force.
attention-stripe-unreachable-unreadable = Stripe's answer about a customer could not be read; what is known stays in force.
attention-tamper = A cover was opened, or a reader taken from the wall.
attention-thin-events = Stripe sends events without their content, and there is no key to ask with. They are kept.
attention-two-agents = Two agents claim one identity: the same event number came with two contents.
attention-two-customers = Two Stripe customers of one member pay at the same time.
attention-two-doors = A member's cards passed door { $one } at { $then } and door { $other } at { $later }: faster than anybody gets from one to the other.
attention-type-lost = The plan of a paying member no longer names a membership type. The last type holds to the paid end.
attention-unknown-status = Stripe shows a status that this version does not know. What was decided holds to the paid end.
attention-unknown-type = Prices name the membership type `{ $type }`, which does not exist: whoever pays by them gets the type that stands in for it, or none.
attention-unmatched-customer = A customer pays for a membership, and it is not known whose it is.
attention-unmatched-customer-several = A customer pays for a membership, and several members have its mail address.
attention-unmatched-payment = A payment came from a customer who is nobody's, and looks like a member's.
attention-webhooks-unverified = Webhooks come in and cannot be verified: STRIPE_WEBHOOK_SECRET is not set. They are refused with 503.
attention-webhooks-unverified-clock = Webhooks come in that are rightly signed, but more than 5 minutes away from this server's clock. They are refused with 400.
attention-webhooks-unverified-other = Webhooks come in that are signed with another secret than STRIPE_WEBHOOK_SECRET. They are refused with 400.
badge-alarm-over = It is over: { $alarm }
badge-closed = The door was closed.
badge-command-done = Command { $number } was carried out.
badge-command-refused = Command { $number } was refused.
badge-exit = The exit button was pressed.
badge-gap = { $lost } events could not be kept, { $grants } of them grants.
badge-local-opened = Somebody at the machine opened the door.
badge-local-released = Somebody at the machine released the door.
badge-opened = The door was opened.
badge-refusals = A card that the list does not know was shown { $count } times more.
badge-rejected = A message was refused: { $why }.
badge-started = The agent started.
badge-unreadable = This version cannot read the event.
because-admin = Given by an admin.
because-grant = Grant { $id } by { $who }: { $reason }
because-grant-gone = Grant { $id }.
because-hand = Paid by hand.
because-payment = Payment { $id }: { $source } of { $amount } on { $at }.
because-payment-gone = Payment { $id }.
because-subscription = Subscription { $id }: { $why }
both = { $one } and { $other }
broken-changed = line { $line }, at place { $place }, was changed
broken-end = place { $place } is gone
broken-missing = place { $place } is gone, before line { $line }
cause-cancelled = It was cancelled.
cause-ended-by-hand = An admin ended it although paid time was left.
cause-ending = It ends at a date set beforehand.
cause-first-invoice = The first invoice waits for its due date.
cause-forgiven = The running period's invoice was voided or written off.
cause-grace = The renewal failed; Stripe is retrying.
cause-paid = The running period is paid.
cause-paused = Collection is paused and its invoices are voided.
cause-renewing = The invoice of the running period is not paid yet.
cause-reversed = The running period's payment was given back or disputed.
cause-seat-removed = The seat was taken away.
cause-trial = The trial is running.
cause-type-lost = The plan no longer names a membership type; the last one holds to the paid end.
cause-unknown-status = Stripe uses a status this version does not know; nothing new is granted.
cause-unpaid = Stripe gave up collecting.
charge-all = { $amount } were charged ({ $record }).
charge-credit-made = { $amount } became credit.
charge-credit-used = { $amount } of credit were used.
charge-left = { $amount } are left to the next invoice.
charge-left-before = { $amount } of it had been left by an earlier invoice.
charge-nothing = Nothing was charged ({ $record }): { $why }
charge-off = It took { $amount } off { $record }.
charge-part = It was { $amount } of { $record }.
charge-unknown = How much is not on record ({ $record }).
either = { $one }, or { $other }
ended-by-hand = An admin ended it.
ended-cancelled = It was cancelled.
ended-ending = Its end had been set beforehand.
ended-first-invoice = The first invoice was not paid in time.
ended-gone = What it rested on was taken away.
ended-grace = The renewal failed, and grace was over.
ended-paused = It was paused.
ended-period = The period was over, and no further one was paid.
ended-renewal = No renewal was paid in time.
ended-reversed = Its payment was given back or disputed.
ended-seat-removed = The seat was taken away.
ended-trial = The trial was over, and nothing was paid.
ended-type-lost = Its plan named no membership type any more.
ended-unpaid = Stripe gave up collecting.
ended-up = Its time was up.
entry-ended = a card is refused, for access to this zone has ended
entry-held = a card is refused as held
entry-induction = a card is refused until an induction is noted
entry-lapsed = a card is refused as lapsed
entry-lost = a card is refused as lost
entry-opens = a card opens { $hours }
entry-opens-until = a card opens { $hours } until { $until }
entry-pin = { $rights }, and the door asks for a PIN { $hours }
entry-pin-none = { $rights }, but the door asks for a PIN { $hours }, and the member has none
explain-access = { $type } { $span }. { $because }
explain-access-not-now = { $type } { $span }, which does not hold at this moment. { $because }
explain-cause = { $cause }, on { $at }.
explain-changed = It changed on { $at }: { $cause }.
explain-door-opens = opens. { $why }
explain-door-pin = asks for a PIN, and opens when the right one is typed.
explain-door-shut = stays shut. { $why }
explain-door-without = stays shut: { $why }.
explain-from = from { $from } { $end }
explain-good = in good standing, until ended.
explain-good-until = in good standing, as things stand until { $until }.
explain-grace = in, but a payment is missing; out from { $until } on.
explain-held = on hold until lifted (hold { $hold }).
explain-held-until = on hold until { $until } (hold { $hold }).
explain-held-why = { $held } Reason: { $reason }
explain-lapsed = out since { $since }.
explain-listed = since revision { $revision }: { $cards }.
explain-next = By the clock it is looked at again on { $at }.
explain-no-card = the member has no card
explain-no-card-or-type = the member has no card, or types that do not open it
explain-no-type = the member's types do not open it
explain-nothing-next = Nothing changes by the clock.
explain-pending = not in yet: the first payment has not arrived.
explain-pending-from = not in yet; in from { $from } on.
explain-stranger = out: no fact gives access.
explain-type = `{ $name }` ({ $id })
explain-type-gone = `{ $id }`
explain-unknown = nothing was known of this member's standing then.
explain-unlisted = nothing is listed: { $why }.
explain-until = until { $until }
explain-until-ended = until ended
explain-until-renewed = until { $until }, unless it is renewed
free-credit = Credit of the customer's balance paid for it: a gift card, or what a change of plan left over.
free-credited = Billing credits or a credit note took the rest of it.
free-discount = A discount took all of it.
free-elsewhere = It was marked as paid outside Stripe.
free-proration = What was left of the old plan was worth as much.
free-too-small = It was less than Stripe's smallest charge and comes with the next invoice.
free-trial = There was nothing to pay for: a trial, or a price of zero.
happened = { $place } at { $at }: { $what }
hours-all = at all hours
hours-gone = never, its schedule is gone
hours-of = on schedule `{ $schedule }`
missing-any-fact = it takes a subscription whose customer is linked to the member, a payment by hand or a grant.
missing-begun = nothing has to; it begins on { $from }.
missing-due = what is due must be paid at Stripe.
missing-first-payment = the first payment must arrive.
missing-lifted = hold { $hold } must be lifted.
missing-named = the plan of subscription { $subscription } must name a membership type.
missing-owed = { $invoice } of { $amount }
missing-paid = invoice { $owed } must be paid.
missing-renewed = it takes a new subscription, a payment by hand or a grant.
missing-resumed = subscription { $subscription } must be resumed at Stripe.
missing-seated = the seat of subscription { $subscription } must be paid for again.
place-agent = Agent { $name }
place-door = Door { $name }
reader-customer = customer { $id }
reader-member = member { $number }
reader-staff = person { $number } of the staff
remedy-active-without-payment = Collect the money, cancel the subscription, or leave it if the period is a present.
remedy-audit-rewritten = After a restore from a backup this is expected. Else run `goodstanding check`, and compare with a backup.
remedy-audit-rewritten-broken = Compare it with a backup, and find out who can write to the database.
remedy-cancelled-early = End its access now, or leave it to the paid end.
remedy-cannot-forget = End the member's subscriptions in Stripe's dashboard; the rest then happens by itself.
remedy-catalogue-change = Accept the change, or set the old name again in Stripe.
remedy-confirm-link = Confirm that the customer is this member.
remedy-disconnected = Let the owner connect the account again, then try again here.
remedy-dispute = Answer it in Stripe.
remedy-dispute-inquiry = Answer it in Stripe.
remedy-dispute-lost = Decide whether the member stays; to take access away, place a hold.
remedy-door-ahead = If this server was restored from a backup, run `goodstanding new-epoch`.
remedy-duplicate-subscription = Cancel one of them in Stripe, or name whom it covers.
remedy-events-lost = Run `door-agent check` there: the disk is full or worn out, or the agent was without this server for too long.
remedy-exit-stuck = Free the exit button; it is stuck, or somebody holds it.
remedy-fire = If there is no fire, find what set the input off, and reset it.
remedy-forced = Look who is there; if nobody forced it, check the door contact and the exit button.
remedy-fraud-warning = Look at the charge in Stripe; to take access away, place a hold.
remedy-gift-card = It is finished by itself; check Stripe's status and the key if this stays.
remedy-granted-not-active = End the grant, or leave it if it is meant.
remedy-guessing = Look who is at the reader; cards of members are served all the same.
remedy-held-open = Close the door; if it is closed, check the door contact.
remedy-invoice-stuck = Mend the invoice in Stripe, and finalize it.
remedy-late-news = Compare with Stripe (`goodstanding reconcile --dry-run`), then say yes.
remedy-list-not-kept = Run `door-agent check` there; if the SD card fails, replace it before the next power cut.
remedy-lock-fault = Check lock, wiring and supply; until then, see that the door is shut.
remedy-mail-refused = See whether the mail address is right, and tell them another way.
remedy-mail-stuck = Check SMTP_URL and MAIL_FROM, and whether the mail server runs; letters are tried again by themselves.
remedy-mandate-ended = Look the mandate up in Stripe and ask its payer for another way to pay.
remedy-mass-brake = Look at the members concerned, then say yes or mend the cause.
remedy-messages-refused = Look at the agent's events for the causes; check who else can reach the broker.
remedy-near-miss = Write `membertype_X-` in front of its nickname, or set its metadata.
remedy-needs-card = Enrol a card for the member.
remedy-out-of-contact = Check the agent's power and network.
remedy-paid-but-refused = The door's list or clock is behind: bring its agent into contact and have the list sent again.
remedy-payment-ending = Ask the member for the next payment.
remedy-pin-locked = Ask the member; if it was somebody else, mark the card as lost and give the member a new PIN.
remedy-poisoned-event = Look at it in the inbox, then replay it or ask for help.
remedy-proposed-link = Link the customer to the right member.
remedy-reader-gone = Check the reader's cable, its supply and its device name; `door-agent check` helps.
remedy-reconciliation-brake = Run `goodstanding reconcile --dry-run` to see them, then `goodstanding reconcile --yes`, or mend the cause.
remedy-refund = Decide whether the member stays; to take access away, place a hold.
remedy-seat-removed = Agree, or name another member of the same item who gives up the seat.
remedy-seat-unnamed = Name the members whom the seats cover.
remedy-stream-withheld = Check the broker: it delays or drops what the server sends.
remedy-stripe-not-readable = Set STRIPE_SECRET_KEY to a key of the right account and mode.
remedy-stripe-not-readable-connected = Set STRIPE_SECRET_KEY to the platform's key, and see whether the account is connected to it.
remedy-stripe-unreachable = It is tried again by itself; check Stripe's status and the key if this stays.
remedy-tamper = Look at the reader and the box; if somebody was inside, revoke the agent and pair it again.
remedy-thin-events = Set STRIPE_SECRET_KEY, or let Stripe send snapshot events to this address.
remedy-two-agents = Find the copy, revoke the agent and pair it again.
remedy-two-customers = Cancel one subscription in Stripe if it was bought by mistake.
remedy-two-doors = Ask the member who had the cards; if one was copied or lent, mark it as lost and give another.
remedy-type-lost = Give the price its tag again, or move the member to a tagged price.
remedy-unknown-status = Update the server, or grant access by hand until then.
remedy-unknown-type = Make the type, let another stand in for it, or give the prices another name in Stripe.
remedy-unmatched-customer = Link the customer to the right member.
remedy-unmatched-payment = Link its customer to the member; to let it open doors, grant access for the time it bought.
remedy-webhooks-unverified = Set STRIPE_WEBHOOK_SECRET to the signing secret that Stripe shows at the endpoint; Stripe sends them again.
remedy-webhooks-unverified-clock = Set the server's clock; Stripe sends them again. If the clock is right, somebody plays old deliveries back, and nothing is lost.
remedy-webhooks-unverified-other = If Stripe shows failed deliveries at the endpoint, set STRIPE_WEBHOOK_SECRET to the signing secret shown there; Stripe sends them again. If it shows none, somebody else knocks, and nothing is lost.
sentences = { $one } { $other }
source-cash = cash
source-transfer = transfer
story-changed = { $type } instead of { $before }.
story-ended = { $type } ended. { $why }
story-lapsed = { $type } lapsed. { $why }
story-opened = Member as { $type }.
story-paid = Something was paid for { $type }.
story-renewed = { $type } was renewed until { $until }.
story-voided = What was paid for { $type } was declared void ({ $cause }).
# --- deeds of the audit log, refusals
deed-agent-code = made a pairing code
deed-agent-create = added an agent
deed-agent-pair = paired an agent
deed-agent-revoke = revoked an agent
deed-attention-resolve = settled an item of the attention list
deed-card-enrol = enrolled a card
deed-card-found = found a card again
deed-card-give = gave a card
deed-card-label = named a card
deed-card-lost = marked a card lost
deed-card-name = named a card
deed-card-returned = took a card back
deed-catalogue-map = said which type a price is
deed-catalogue-retrofit = wrote a type into a price
deed-catalogue-unmap = let a price's own name rule
deed-command = told a door something
deed-coverage-free = freed a seat
deed-coverage-name = named who has a seat
deed-customer-link = linked a customer
deed-discount-create = made a discount code
deed-door-put = changed a door
deed-door-remove = removed a door
deed-gift-card-issue = issued a gift card
deed-gift-card-redeem = redeemed a gift card
deed-gift-card-redeemed = had a gift card confirmed
deed-gift-card-void = voided a gift card
deed-grant-create = gave access
deed-grant-end = ended access given
deed-hold-create = held a member
deed-hold-end = lifted a hold
deed-import = imported members
deed-import-undo = undid an import
deed-inbox-replay = applied an event again
deed-induction-note = noted an induction
deed-induction-take-back = took an induction back
deed-keyholders-name = named keyholders
deed-letter-text = wrote the text of a letter
deed-loaner-add = added a fob to lend
deed-loaner-lend = lent a fob
deed-loaner-remove = removed a fob to lend
deed-loaner-return = took a fob back
deed-location-put = changed a location
deed-member-change = changed a member
deed-member-create = made a member
deed-member-forget = asked to forget a member
deed-member-keep = kept a member after all
deed-member-plan-change = asked for another plan
deed-member-plan-changed = changed a plan
deed-membership-type-put = changed a membership type
deed-note-erase = erased a note
deed-note-write = wrote a note
deed-organisation-change = changed the club's settings
deed-payment-change = changed what a payment is for
deed-payment-extend = extended what a payment is for
deed-payment-record = recorded a payment
deed-payment-void = declared a payment void
deed-pin-remove = removed a PIN
deed-pin-set = set a PIN
deed-schedule-put = changed a schedule
deed-staff-arrive = came in for the first time
deed-staff-identity-add = linked an account at a provider
deed-staff-identity-remove = unlinked an account at a provider
deed-staff-invite = invited somebody
deed-staff-mailed = switched letters to staff
deed-staff-passkey-add = added a passkey
deed-staff-passkey-remove = removed a passkey
deed-staff-password = changed a password
deed-staff-remove = took somebody's rights
deed-staff-role = changed somebody's role
deed-staff-sign-in = signed in
deed-staff-sign-in-refused = was refused at signing in
deed-staff-sign-out = signed somebody out
deed-standing = derived a standing
deed-stripe-reconcile = compared with Stripe
deed-zone-access = changed who may enter
deed-zone-put = changed a zone
deed-zone-settings = changed a zone's settings
problem-conflict = The request does not fit what is there
problem-content-type = The body is of another kind
problem-fault = The server is at fault
problem-forbidden = Not allowed
problem-invalid-field = A field is not valid
problem-malformed = The request cannot be read
problem-mass-lock-out = Too many members would lose access
problem-method = The method is not allowed here
problem-no-answer = No answer came
problem-not-found = Nothing is here
problem-other-site = Sent by another site
problem-refused = Refused
problem-signed-out = You are not signed in
problem-stripe = Stripe did not do it
problem-too-large = The body is too large
problem-too-often = Asked too often
problem-unauthorised = The token is missing or wrong
problem-unavailable = Not possible now
# --- the OpenID provider
identities = Accounts elsewhere
identity-add = Link an account at { $name }
identity-help = Whoever is signed in at that account comes in here without a password and without a code. Have a second factor asked for there.
identity-remove = Unlink
provider-away = { $name } does not answer as it should. Sign in with password and code, or try again later; the server’s log says why.
provider-elsewhere = This sign-in was not begun in this browser, or more than ten minutes ago. Begin again here.
provider-go = Go on to { $name }
provider-known = This account is linked already, to you or to somebody else.
provider-not-there = { $name } did not say who you are. Begin again, or sign in with password and code; the server’s log says why.
provider-onward = On to { $name } …
provider-sign-in = Sign in with { $name }
provider-unlinked = Your account at { $name } is not linked to anybody here. Sign in with password and code, then link it on your own page.

types = Membership types
types-what = What a membership is called, how long its doors wait for money, and whether members may change to it by themselves. Prices at Stripe name them.
types-none = There are none yet.
type-new = New membership type
type-chosen-by-members = members may choose it
type-stands-in = stands in for unknown types
type-named = A price at Stripe belongs to it when its description begins with { $name }.
stand-in = Stand-in for unknown types
stand-in-what = What a well-formed name that is not in this list counts as, so that a price made in a hurry shuts nobody out. None: whoever pays it stands on the attention list.
knob-rank = Rank
knob-rank-what = Of several memberships the one with the highest number is told first.
knob-members-choose = Members may change to it by themselves
knob-members-choose-what = It is offered on their own page, with what the change costs.
knob-slack = Days that doors wait for news of a renewal
knob-slack-what = After a paid period has ended and nothing was heard of the next. With Stripe's key three are enough, without one take ten.
knob-grace = Days of grace after a failed payment
knob-grace-what = Counted from the start of the unpaid period. The member is written to, and sees it on their own page.
knob-trial = A trial opens doors
knob-trial-what = Without this, members in a trial get in only when they have paid.
knob-upgrade = A change of plan counts only when it is paid
knob-upgrade-what = Without this, a bigger membership opens more doors as soon as it is booked.
knob-refund = A full refund ends access at once
knob-refund-what = Without this, access lasts until the period that was given back is over.
knob-dispute = A disputed payment ends access
knob-dispute-what = Until the bank has decided for the club. Without this, it is only on the attention list.
refused-a-day = Write a day like 2026-12-24.
refused-a-minute = Wait a minute, then try again.
refused-a-month = Write a month that calendars know, like 2026-12.
refused-a-table = Send a table as comma-separated values, whose first line names the columns.
refused-a-type = Name a membership type.
refused-access-once = Name each type once.
refused-after-beginning = Write a moment after the beginning, or leave it out.
refused-agent-late = The agent did not answer in time; look whether it is in contact.
refused-agent-name = There is an agent of this name; ask for a new pairing code instead.
refused-agent-refused = The agent refused: { $why }.
refused-agent-silent = The agent has not reported since it was paired.
refused-ahead = Write a moment that lies ahead, or leave it out.
refused-ahead-or-null = Write a moment that lies ahead, or null.
refused-alike = Such readers could not tell card { $one } from card { $other }: replace one of them first.
refused-alike-there = Readers of zone { $zone } see only the last bytes of a card, and could not tell this one from card { $card } of member { $member }. Take another card.
refused-always = Take another name: zones call all hours `always`.
refused-an-amount = Write an amount like 40 or 40.00.
refused-body-limit = A body has at most { $limit } bytes.
refused-broker-name = This is the server's own name at the broker; choose another.
refused-broker-shared = Another organisation on this server has an agent of this name, and they share a broker; choose another.
refused-busy = Too many sign in at once. Try again in a few seconds.
refused-by-stripe = Money that came by Stripe is given back there.
refused-card-bytes = Write numbers from 3 to 9, with commas.
refused-card-number = Write the card's number, as a reader shows it.
refused-card-owned = This card has an owner: it is card { $card } of member { $owner }. Mark it as returned first.
refused-card-returned = A returned card opens nothing, and is given out anew by its number.
refused-choose-deed = Choose what is to be done.
refused-choose-members = Choose 1 to { $most } members.
refused-clock-time = Write an hour and a minute like 08:00, up to 24:00.
refused-database-away = The database does not answer. Nothing was changed; try again.
refused-database-busy = The database is busy. Nothing was changed; try again.
refused-day-and-time = Choose a day and a time.
refused-days-ahead = Write a number from 1 to 366.
refused-days-back = Write a number from 1 to 90.
refused-days-by-line = Write days like 2026-12-24, one in each line.
refused-door-name = There is a door of this name already.
refused-ended-already = It has ended already.
refused-enrol-door = Cards are enrolled only at doors marked with `enrols`.
refused-enrol-whose = Name the member whose card it will be, or what the fob is called: one of them.
refused-erased-before = It was erased before.
refused-fault = The server could not do this, and nothing was changed; its log says why.
refused-field-missing = This field is missing.
refused-field-twice = This field is given twice.
refused-fob-known = This fob is in the pool already.
refused-fob-lent = This fob is lent: take it back first, or mark it as lost.
refused-fob-of = Member { $member } has this fob: take it back first.
refused-fob-only-enrol = A fob is only for `enrol`.
refused-form-unreadable = The form cannot be read.
refused-fresh = Sign out and in again first: this is done only by who signed in within a quarter of an hour, by password or passkey.
refused-from-the-list = Choose from the list.
refused-further-seat = Name a member whom a further seat of the same item covers.
refused-going-down = The server is going down.
refused-held-back = It is held back with other old news: say yes to all of them on the attention list.
refused-hours = Write hours like 08:00-22:00, several with commas between; 24:00 is midnight, and a night is two lines: to 24:00, and from 00:00 on the next day. Empty: closed.
refused-in-pool = This fob is in the pool: lend it, or take it out of the pool first.
refused-key-unread = Stripe still cannot be read with the key for the account on record.
refused-last-owner = This is the last owner; make somebody else an owner first.
refused-location-name = There is a location of this name already.
refused-mass = This would take access from { $count } members at once. Nothing was changed. If it is meant, send the same request with `?approved=true`.
refused-minor-units = Write minor units, 0 or more.
refused-no-agent = No agent serves this door yet.
refused-no-card-shown = No card was shown twice within 20 seconds. Nothing was changed.
refused-no-change-waits = No change of this price waits any more.
refused-no-enrolling-door = No door is marked for enrolling: mark one on its page, or give the card by its number.
refused-no-free-seat = No such seat is free any more.
refused-no-key = Stripe can be asked only with a key: set STRIPE_SECRET_KEY.
refused-not-here = There is no { $what } at this address.
refused-not-known = There is no { $what } of this name or number; name one that exists.
refused-not-paired = The agent is not paired; pair it first.
refused-other-role = There is somebody with this address and another role; change that first.
refused-other-site = This came from a page of another site, or from a browser that does not say where it is. Open the page here, and do it again.
refused-own-address = This is your own address: a new password or passkey is set at your own page.
refused-passed = Write a moment that has passed, or leave it out.
refused-passing-seconds = Write whole seconds, from 1 to a day, or leave it out.
refused-passkey-known = This passkey is known already.
refused-passkey-not-taken = The passkey was not taken: { $why }. Try again.
refused-past-only = Write a moment that has passed; the future is not known.
refused-payer-unsure = A payer is linked to this member by a mail address alone: staff have to confirm on the attention list that it is the same person, before both are forgotten.
refused-periods-or-until = Write either `periods` or `until`.
refused-policy-days = Write whole days, 0 to 366.
refused-provider-home = Open { $address } for this: it is where the provider sends people back to.
refused-reader-bytes = Write numbers of bytes, from 3 to 9; readers that see whole numbers are always there.
refused-role = Your role does not allow this; an owner can give you another one.
refused-rows-wrong = { $rows } rows are wrong, and nothing was taken over: mend them, or take over the good ones alone.
refused-runs-at-stripe = It runs at Stripe: cancel it there, or place a hold on the member.
refused-schedule-name = There is a schedule of this name already.
refused-seat-for-whom = Name the member whom the seat covers.
refused-seat-number = The item has { $seats } seats, counted from 1.
refused-seats-named = More seats have a name than are paid: take one away first.
refused-secret-shown = Open the page again, and use the secret that it shows.
refused-set-the-key = STRIPE_SECRET_KEY is not set: put the key into the settings and start the server again.
refused-settled-before = It was settled before.
refused-several-fit = Several members fit: write the number, the whole name or the mail address.
refused-short-name = Use some letters from a to z or digits in it.
refused-sign-in-again = Sign in again, then do it once more. Nothing was changed.
refused-some-day = Name at least one day.
refused-some-periods = Write 1 or more days, weeks, months or years.
refused-there-already = Something of this name or number is there already.
refused-tick-first = Tick the members first, or choose all that fit.
refused-type-name = There is a type of this name; choose another.
refused-type-that-opens = Choose at least one type that opens it.
refused-type-x = Write only the X of `membertype_X`, as doors and payments name it.
refused-undo-half = The cards open nothing any more and the payments are out of the ledger, but the new members are still there. Undo it once more.
refused-undo-late = It is too long ago: who of them came to a door since is no longer known in full.
refused-undone-before = It was undone before.
refused-void-before = It was declared void before.
refused-which-price = It is not clear which of the prices is meant: give it the type in the catalogue.
refused-whom = Write a member's number, or so much of the name or address that only one has it.
refused-whose-customer = Name the member whose customer it is.
refused-window-order = A window ends after it begins; write a night as two windows, to 24:00 and from 00:00.
refused-within-a-year = Write a moment that lies ahead, within a year.
refused-zone-name = There is a zone of this name already.
refused-zone-seconds = Write whole seconds, from 0 to a year.
