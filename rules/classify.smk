# Classifiers on each training set of a split, and their accuracy on three test sets.
#   in:  a split, real, synthetic and converted images
#   out: results/{size}/draw{draw}/classify/{trainset}/run{run}.safetensors (weights)
#        results/{size}/draw{draw}/classify/{accuracy,recall}_seed{seed}.csv
#        results/{size}/draw{draw}/classify/predictions_seed{seed}.npz (of real test images)
# A training set is a folder: "original", or "original+GAN/seed0" where a GAN has a part in it.

# In the order of `weights` below.
TESTED = [(dataset, run) for dataset in GAN_FREE + WITH_GAN for run in RUNS]
# MNIST's number of real ones, and two of synthetic ones; of own images rather fewer.
TEST_IMAGES = 10_000 + 2 * EXPERIMENT.synthetic.count_test(IMAGES_HELD)
COST = PSEUDO_COST if EXPERIMENT.unlabelled else 1


rule classify_train:
    input:
        code=code("classify_train.py"),
        spec=SPEC,
        split="results/{fold}{size}/draw{draw}/splits/split.npz",
        real="results/{fold}real/train.npz",
        synthetic="results/synthetic/train.npz",
        unlabelled=unlabelled,
    output:
        classifiers("{dataset}"),
    log:
        "results/logs/{fold}{size}/draw{draw}/classify_train_{dataset}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/classify_train_{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(map(re.escape, GAN_FREE)),
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000, IMAGES_HELD + (N_UNLABELLED if EXPERIMENT.unlabelled else 0)),
        runtime=minutes((len(RUNS) * EXPERIMENT.classifier.samples * COST, CLASSIFIER_RATE)),
        gpu=GPU,
    params:
        **COMPUTE,
        config=asdict(EXPERIMENT.classifier),
        runs=list(RUNS),
    script:
        "../workflow/scripts/classify_train.py"


use rule classify_train as classify_train_gan with:
    input:
        **rules.classify_train.input,
        converted=conversions,
    output:
        classifiers("{dataset}/seed{seed}"),
    log:
        "results/logs/{fold}{size}/draw{draw}/classify_train_{dataset}_seed{seed}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/classify_train_{dataset}_seed{seed}.tsv"
    wildcard_constraints:
        dataset="|".join(map(re.escape, WITH_GAN)),


rule classify_test:
    input:
        code=code("classify_test.py"),
        spec=SPEC,
        split="results/{fold}{size}/draw{draw}/splits/split.npz",
        real="results/{fold}real/test.npz",
        synthetic="results/synthetic/test.npz",
        converted="results/{fold}{size}/draw{draw}/convert/seed{seed}/test.npz",
        weights=classifiers(GAN_FREE + [f"{dataset}/seed{{seed}}" for dataset in WITH_GAN]),
    output:
        accuracy="results/{fold}{size}/draw{draw}/classify/accuracy_seed{seed}.csv",
        recall="results/{fold}{size}/draw{draw}/classify/recall_seed{seed}.csv",
        predictions="results/{fold}{size}/draw{draw}/classify/predictions_seed{seed}.npz",
    log:
        "results/logs/{fold}{size}/draw{draw}/classify_test_seed{seed}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/classify_test_seed{seed}.tsv"
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000, IMAGES_HELD),
        runtime=minutes((len(TESTED) * TEST_IMAGES, CLASSIFIER_RATE)),
        gpu=GPU,
    params:
        **COMPUTE,
        config=asdict(EXPERIMENT.classifier),
        classifiers=TESTED,
        size=lambda wildcards: tuple(SIZES[wildcards.size]),
    script:
        "../workflow/scripts/classify_test.py"
