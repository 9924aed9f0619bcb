"""Chats of a shop's support, of different lengths, for pages to be looked at with."""

from itertools import islice, product

from tests.datasets.files import chat_line

HELLOS = ("Hi,", "Hello, could you help me?", "Good morning.", "Me again, about the order I wrote of last week.")
QUESTIONS = {
    "Where is order {number}? It was to come on {day}.": (
        "Order {number} left us on {day} and is with the carrier now. You get a message with the hour on the day."
    ),
    "The lamp of order {number} flickers since {day}.": (
        "I am sorry about that. Please turn the switch at the base off and on once. If it still flickers, tell me: "
        "then a new lamp goes out the same day, and the box of the new one takes the old one back. You need no "
        "receipt, the number {number} is enough."
    ),
    "Can I still change the address of order {number}?": "Yes, until {day} at noon. Which address should it go to?",
    "Order {number} was charged twice.": (
        "I see both charges. The second one was only reserved and is released by {day} at the latest; your bank may "
        "show it for two days more. If it is still there after that, write to me, and I return it by hand."
    ),
    "How do I return the chair from {number}?": (
        "Print the label from your account, put the chair into its box and hand it to the carrier by {day}. The money "
        "is on its way back as soon as the parcel is scanned. If the box is gone, any box of that size will do."
    ),
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TONE = "You answer for a small furniture shop: kindly, briefly, and with the next step."


def support_file(count: int = 1000) -> bytes:
    """A valid file of `count` different chats."""
    made = product(range(4000, 4000 + count), QUESTIONS.items())
    return b"".join(_chat(number, asked, answer) for number, (asked, answer) in islice(made, count))


def _chat(number: int, asked: str, answer: str) -> bytes:
    facts = {"number": number, "day": DAYS[number % len(DAYS)]}
    question = f"{HELLOS[number % len(HELLOS)]} {asked.format(**facts)}"
    return chat_line(("system", TONE), ("user", question), ("assistant", answer.format(**facts)))
