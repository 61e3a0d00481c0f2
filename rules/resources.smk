# What jobs need: threads, memory and time, from how many images there are.

CLASSIFIER_RATE = CLASSIFIERS[EXPERIMENT.classifier_preset].rate
DAY = 24 * 60


def count(source):
    """How many images a source has; none is downloaded or decoded for it."""
    if source.kind == "fonts":
        return count_renders(EXPERIMENT.fonts, EXPERIMENT.render, FONT_MANIFEST)
    if source.kind == "mnist":
        return 60_000
    return len(open_source(source.kind, source.path).labels())


def readers(source):
    """Threads that read a source: pictures are decoded by several, nothing else is."""
    return THREADS if source.kind == "folder" else 1


# Images that a job holds at most: those of a split.
N_REAL = count(EXPERIMENT.real_source)
N_SYNTHETIC = EXPERIMENT.synthetic.images or count(EXPERIMENT.synthetic_source)
IMAGES_HELD = EXPERIMENT.splits.total or N_REAL + N_SYNTHETIC
N_UNLABELLED = count(PICTURES) if PICTURES else N_REAL


def more(value):
    """A resource of which a job that failed gets more when it is tried again."""
    return lambda wildcards, attempt: value * attempt


def image_scale(input):
    """How many times the pixels of MNIST's images the experiment's have; at least 1.

    Where images say it themselves it is known once they are read.
    """
    height, width = EXPERIMENT.images.height, EXPERIMENT.images.width
    if not (height and width) and EXPERIMENT.real_source.kind != "mnist":
        spec = read_spec(Path(input.spec))
        height, width = spec.height, spec.width
    return max(1.0, (height or 28) * (width or 28) / (28 * 28))


def memory(megabytes, images=0):
    """Memory of a job that holds so many images besides its networks and their activations."""

    def mem_mb(wildcards, input, attempt):
        scale = image_scale(input)
        # Three bytes a pixel at most; an image is there twice while it is moved to the device.
        held = images * 28 * 28 * scale * 3 * 2 / 1_000_000
        return int(attempt * (megabytes * (0.75 + 0.25 * scale) + held))

    return mem_mb


def minutes(*work):
    """Twice the time of (items, items a second), and ten minutes; more when tried again.

    A day at most for as many jobs as are one entry of a cluster's queue: clusters commonly allow
    no more. A GAN that needs longer goes on from its checkpoint when tried again.
    """
    needed = sum(items / rate for items, rate in work) / 60

    def runtime(wildcards, input, attempt, rulename):
        scaled = 10 + 2 * needed * image_scale(input)
        return min(round(scaled * attempt), DAY // jobs_of_entry(rulename))

    return runtime


def jobs_of_entry(name):
    """How many jobs of this name a profile's groups make one entry of a cluster's queue."""
    groups = workflow.group_settings.overwrite_groups
    if name not in groups:
        return 1
    # A conversion is one entry with all classifiers that learn from it, by the GAN more than by an
    # untrained generator; other jobs of a group are not connected.
    learners = sum(kind.conversions == "converted" for kind in TRAINED.values())
    connected = 1 + learners if groups[name] == groups.get("convert") else 1
    return connected * workflow.group_settings.group_components.get(groups[name], 1)
