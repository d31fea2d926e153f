"""What the tests edit: `price` is changed, and everything below it moves."""

RATE = 3


def price(amount):
    total = 0
    for _ in range(amount):
        total += RATE
    return total


def discount(amount):
    return sum(price(one) for one in range(amount)) // 10


class Basket:
    size = 7

    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)
        return lambda: self.items.remove(item)

    @property
    def full(self):
        return len(self.items) >= self.size


def clerk():
    def serve(customer):
        class Receipt:
            owner = customer

        return Receipt

    return serve


def enroll(enter):
    class Member:
        joined = enter()

    return Member


def work():
    basket = Basket()
    basket.add(1)()
    clerk()("ada")
    return price(40) + discount(9) + basket.full
