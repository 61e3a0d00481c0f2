# Five classifiers on each of a ratio's training sets, and their accuracy on three test sets.
#   in:  a ratio's split, MNIST, font and converted images
#   out: results/r{ratio}/classify/{trainset}/run{run}.npz (weights)
#        results/r{ratio}/classify/accuracy_seed{seed}.csv
# A training set is a folder: "original", or "original+GAN/seed0" where a GAN has a part in it.

# In the order of `weights` below.
TESTED = [(dataset, run) for dataset in GAN_FREE + WITH_GAN for run in RUNS]
TEST_IMAGES = 10_000 + 2 * EXPERIMENT.render.test_images


rule classify_train:
    input:
        code=code("classify_train.py"),
        split="results/r{ratio}/splits/split.npz",
        mnist="results/mnist/train.npz",
        font="results/render/train.npz",
    output:
        classifiers("{dataset}"),
    log:
        "results/logs/r{ratio}/classify_train_{dataset}.log",
    benchmark:
        "results/benchmarks/r{ratio}/classify_train_{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(map(re.escape, GAN_FREE)),
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(4000),
        runtime=minutes((len(RUNS) * EXPERIMENT.classifier.samples, CLASSIFIER_SAMPLES), jobs=4),
        gpu=GPU,
    params:
        config=asdict(EXPERIMENT.classifier),
    script:
        "../workflow/scripts/classify_train.py"


use rule classify_train as classify_train_gan with:
    input:
        **rules.classify_train.input,
        converted="results/r{ratio}/convert/seed{seed}/train.npz",
    output:
        classifiers("{dataset}/seed{seed}"),
    log:
        "results/logs/r{ratio}/classify_train_{dataset}_seed{seed}.log",
    benchmark:
        "results/benchmarks/r{ratio}/classify_train_{dataset}_seed{seed}.tsv"
    wildcard_constraints:
        dataset="|".join(map(re.escape, WITH_GAN)),


rule classify_test:
    input:
        code=code("classify_test.py"),
        mnist="results/mnist/test.npz",
        font="results/render/test.npz",
        gan="results/r{ratio}/convert/seed{seed}/test.npz",
        weights=classifiers(GAN_FREE + [f"{dataset}/seed{{seed}}" for dataset in WITH_GAN]),
    output:
        "results/r{ratio}/classify/accuracy_seed{seed}.csv",
    log:
        "results/logs/r{ratio}/classify_test_seed{seed}.log",
    benchmark:
        "results/benchmarks/r{ratio}/classify_test_seed{seed}.tsv"
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(4000),
        runtime=minutes((len(TESTED) * TEST_IMAGES, CLASSIFIER_SAMPLES), jobs=10),
        gpu=GPU,
    params:
        config=asdict(EXPERIMENT.classifier),
        classifiers=TESTED,
    script:
        "../workflow/scripts/classify_test.py"
