"""Names of flow runs that people can say, such as `brisk-otter`. They distinguish runs at a glance, ids for sure."""

import os
from functools import cache

_FIRST = """
able agile airy alert amber ample apt autumn azure balmy bold brave breezy bright brisk bronze calm candid chatty
cheerful civil clear clever coastal cobalt cosy crimson crisp curious dapper daring dazzling deft dewy diligent
eager early earnest easy elegant emerald fair faithful fearless festive fine fleet fluent fond frank free fresh
friendly frosty gallant gentle genuine gifted glad gleaming golden graceful grand grateful hale handy happy hardy
hearty helpful honest hopeful humble hushed idle indigo ivory jade jaunty jolly jovial joyful keen kind laughing
lavish lean light lilac lively loyal lucid lucky lunar lush mellow merry mighty mild mindful misty modest mossy neat
nimble noble northern novel olive open orderly patient peaceful playful pleasant plucky polite prime proud prudent
quick quiet radiant rapid ready regal robust rosy ruby rustic sage scarlet serene sharp shining silent silver
sincere sleek smart smiling smooth snowy sober solar solid southern spirited spry stable stately steady sterling
stout sturdy subtle sunny supple swift tactful tame teal tender thrifty tidy tireless tranquil trusty upbeat valiant
velvet verdant vital vivid warm watchful wily winsome wise witty woven zesty
"""
_SECOND = """
adder albatross alpaca antelope avocet badger barbel bass bat beaver bee bison bittern boar bobcat bream bullfinch
bunting buzzard camel caribou carp cheetah chough cicada civet cod condor coot cormorant cougar crab crane cricket
crow cuckoo curlew deer dingo dipper dolphin dormouse dove dragonfly duck dunlin eagle eel egret eland elk ermine
falcon ferret finch firefly flamingo flounder fox frog gannet gazelle gecko gibbon godwit goldfinch goose gopher
goshawk grebe grouse gull haddock hake hare harrier hawk hedgehog heron herring hoopoe hornet horse hound ibex ibis
iguana impala jackal jackdaw jaguar jay kestrel kingfisher kite kiwi koala lapwing lark lemur leopard linnet lion
lizard llama lobster loon lynx macaw mackerel magpie mallard manatee marlin marmot marten martin merlin minnow mole
moose moth mouse mule mullet narwhal newt nightjar nuthatch ocelot octopus orca oriole oryx osprey otter owl oyster
panda panther parrot partridge pelican penguin perch petrel pheasant pigeon pike pipit plover polecat pony porpoise
possum ptarmigan puffin puma quail quokka rabbit raccoon raven ray redstart reindeer robin rook salamander salmon
sandpiper seal shrew shrike shrimp siskin skua skylark snipe sparrow squid squirrel stag starling stoat stork
sturgeon swallow swan swift tapir tench tern thrush tiger toad toucan trout turtle viper vole wagtail walrus warbler
wasp weasel whale wigeon wolf wolverine wombat woodcock wren yak zebra
"""


def new_run_name() -> str:
    """One of some forty thousand names, drawn by chance."""
    first, second = _words()
    number = int.from_bytes(os.urandom(8), "big")
    return f"{first[number % len(first)]}-{second[number // len(first) % len(second)]}"


def generate_slug(n_words: int = 2) -> str:
    """A name of two or more words, drawn by chance: adjectives, and an animal.

    Raises:
        ValueError: fewer than two words are asked for.
    """
    if n_words < 2:
        raise ValueError(f"n_words={n_words!r} must be at least 2: a name has an adjective and an animal.")
    first, second = _words()
    return "-".join([*(_drawn(first) for _ in range(n_words - 1)), _drawn(second)])


def _drawn(words: list[str]) -> str:
    return words[int.from_bytes(os.urandom(8), "big") % len(words)]


@cache
def _words() -> tuple[list[str], list[str]]:
    return _FIRST.split(), _SECOND.split()
