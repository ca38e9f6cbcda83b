"""Lists and retrieves every resource of a simulated account with Stripe's own library.

Prints a line for each resource with the number of objects read, then `end`; a wrong answer is an error that ends it.
"""

import sys

import stripe

BASE, KEY, ACCOUNT = sys.argv[1:4]
client = stripe.StripeClient(KEY, base_addresses={"api": BASE}, max_network_retries=0)
v1 = client.v1


def check(name, listed, retrieve, wanted):
    """Reads a list to its end by small pages, and every object of it alone."""
    count = 0
    for row in listed.auto_paging_iter():
        assert type(row).__name__ == wanted, (name, type(row).__name__, row["object"])
        alone = retrieve(row.id)
        assert type(alone).__name__ == wanted, (name, type(alone).__name__)
        assert alone.to_dict() == row.to_dict(), (name, row.id, row.to_dict(), alone.to_dict())
        count += 1
    print(name, count, flush=True)


SERVICES = {
    "charges": (v1.charges, "Charge"),
    "checkout.sessions": (v1.checkout.sessions, "Session"),
    "coupons": (v1.coupons, "Coupon"),
    "credit_notes": (v1.credit_notes, "CreditNote"),
    "customers": (v1.customers, "Customer"),
    "disputes": (v1.disputes, "Dispute"),
    "events": (v1.events, "Event"),
    "invoice_payments": (v1.invoice_payments, "InvoicePayment"),
    "invoiceitems": (v1.invoice_items, "InvoiceItem"),
    "invoices": (v1.invoices, "Invoice"),
    "payment_intents": (v1.payment_intents, "PaymentIntent"),
    "payment_methods": (v1.payment_methods, "PaymentMethod"),
    "plans": (v1.plans, "Plan"),
    "portal configurations": (v1.billing_portal.configurations, "Configuration"),
    "prices": (v1.prices, "Price"),
    "products": (v1.products, "Product"),
    "promotion_codes": (v1.promotion_codes, "PromotionCode"),
    "refunds": (v1.refunds, "Refund"),
    "setup_intents": (v1.setup_intents, "SetupIntent"),
    "subscription_schedules": (v1.subscription_schedules, "SubscriptionSchedule"),
    "test_clocks": (v1.test_helpers.test_clocks, "TestClock"),
    "accounts": (v1.accounts, "Account"),
}

for name, (service, wanted) in sorted(SERVICES.items()):
    check(name, service.list({"limit": 3}), service.retrieve, wanted)
check("subscriptions", v1.subscriptions.list({"limit": 3, "status": "all"}), v1.subscriptions.retrieve, "Subscription")

for subscription in v1.subscriptions.list({"limit": 100, "status": "all"}).auto_paging_iter():
    items = v1.subscription_items.list({"subscription": subscription.id})
    read = sorted(item.id for item in items.auto_paging_iter())
    assert read == sorted(item.id for item in subscription["items"].data), subscription.id
for customer in v1.customers.list({"limit": 100}).auto_paging_iter():
    balance = 0
    for row in reversed(list(v1.customers.balance_transactions.list(customer.id).auto_paging_iter())):
        balance += row.amount
        assert row.ending_balance == balance, (customer.id, row.id)
    assert customer.balance == balance, customer.id
for invoice in v1.invoices.list({"limit": 100, "expand": ["data.payments"]}).auto_paging_iter():
    lines = list(v1.invoices.line_items.list(invoice.id, {"limit": 2}).auto_paging_iter())
    assert [line.id for line in lines] == [line.id for line in invoice.lines.data], invoice.id
    taken = sum(entry.amount for entry in invoice.total_discount_amounts)
    assert invoice.total == invoice.subtotal - taken, invoice.id
    paid = [payment for payment in invoice.payments.data if payment.status == "paid"]
    assert len(paid) <= 1, invoice.id

connected = v1.events.list({"limit": 3}, {"stripe_account": ACCOUNT})
for event in connected.data:
    assert event.account == ACCOUNT
assert connected.data
assert v1.balance.retrieve().livemode is False
print("end")
