"""Signs webhook bodies with Stripe's own library.

Each line on standard input is JSON: `body`, `secret`, and `at` in Unix seconds or null for now. Each is answered with
the header that Stripe's library makes of it.
"""

import json
import sys

import stripe


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        wish = json.loads(line)
        header = stripe.WebhookSignature.generate_signature_header(
            wish["body"], wish["secret"], timestamp=wish["at"]
        )
        print(header, flush=True)


main()
