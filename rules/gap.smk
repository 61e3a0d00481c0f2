# How far synthetic and converted images are from the real test images.
#   in:  real images, splits, synthetic and converted test images
#   out: results/gap/judge.safetensors (weights of a classifier of all real training images), judge.csv
#        results/gap/synthetic.csv, real_train.csv (what is left where there is no gap to close)
#        results/{size}/draw{draw}/gap/converted_seed{seed}.csv, untrained_seed{seed}.csv
#        results/gap.csv
# For the reader alone: nothing is trained or chosen by these numbers. With folds, each has its own.

GAP_INPUT = {
    "code": code("gap.py"),
    "spec": SPEC,
    "judge": "results/{fold}gap/judge.safetensors",
    "real": "results/{fold}real/test.npz",
}
CONVERSIONS_GAP_INPUT = GAP_INPUT | {
    "real_train": "results/{fold}real/train.npz",
    "split": "results/{fold}{size}/draw{draw}/splits/split.npz",
}
# What was measured: fold, size, draw, GAN seed ("" where one has no part), images.
GAP_TABLES = {
    **{(fold, "", "", "", "real test"): f"results/{fold}gap/judge.csv" for fold in FOLDS},
    **{(fold, "", "", "", "real train"): f"results/{fold}gap/real_train.csv" for fold in FOLDS},
    **{(fold, "", "", "", "synthetic"): f"results/{fold}gap/synthetic.csv" for fold in FOLDS},
}
for fold, size, draw in CHAIN_KEYS:
    for seed in GAN_SEEDS:
        for images in ["converted", *(["untrained"] if EXPERIMENT.controls else [])]:
            table = f"results/{fold}{size}/draw{draw}/gap/{images}_seed{seed}.csv"
            GAP_TABLES[fold, size, draw, seed, images] = table


rule gap_judge:
    input:
        code=code("gap_judge.py"),
        spec=SPEC,
        train="results/{fold}real/train.npz",
        test="results/{fold}real/test.npz",
    output:
        weights="results/{fold}gap/judge.safetensors",
        table="results/{fold}gap/judge.csv",
    log:
        "results/logs/{fold}gap_judge.log",
    benchmark:
        "results/benchmarks/{fold}gap_judge.tsv"
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000, IMAGES_HELD),
        runtime=minutes((3 * EXPERIMENT.classifier.samples, CLASSIFIER_RATE)),
        gpu=GPU,
    params:
        **COMPUTE,
        # Better than what it judges: all real images, and three times the budget.
        config=asdict(EXPERIMENT.classifier) | {"samples": 3 * EXPERIMENT.classifier.samples},
    script:
        "../workflow/scripts/gap_judge.py"


rule gap_synthetic:
    input:
        **GAP_INPUT,
        images="results/synthetic/test.npz",
    output:
        "results/{fold}gap/synthetic.csv",
    log:
        "results/logs/{fold}gap_synthetic.log",
    benchmark:
        "results/benchmarks/{fold}gap_synthetic.tsv"
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000, IMAGES_HELD),
        runtime=minutes((EXPERIMENT.classifier.samples, CLASSIFIER_RATE)),
        gpu=GPU,
    params:
        **COMPUTE,
        config=asdict(EXPERIMENT.classifier),
    script:
        "../workflow/scripts/gap.py"


use rule gap_synthetic as gap_real with:
    input:
        **GAP_INPUT,
        images="results/{fold}real/train.npz",
    output:
        "results/{fold}gap/real_train.csv",
    log:
        "results/logs/{fold}gap_real.log",
    benchmark:
        "results/benchmarks/{fold}gap_real.tsv"


use rule gap_synthetic as gap_converted with:
    input:
        **CONVERSIONS_GAP_INPUT,
        images="results/{fold}{size}/draw{draw}/convert/seed{seed}/test.npz",
    output:
        "results/{fold}{size}/draw{draw}/gap/converted_seed{seed}.csv",
    log:
        "results/logs/{fold}{size}/draw{draw}/gap_converted_seed{seed}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/gap_converted_seed{seed}.tsv"


use rule gap_converted as gap_untrained with:
    input:
        **CONVERSIONS_GAP_INPUT,
        images="results/{fold}{size}/draw{draw}/convert/untrained_seed{seed}/test.npz",
    output:
        "results/{fold}{size}/draw{draw}/gap/untrained_seed{seed}.csv",
    log:
        "results/logs/{fold}{size}/draw{draw}/gap_untrained_seed{seed}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/gap_untrained_seed{seed}.tsv"


rule gap_table:
    input:
        code=code("gap_table.py"),
        tables=list(GAP_TABLES.values()),
        splits=SPLITS,
    output:
        "results/gap.csv",
    log:
        "results/logs/gap_table.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        measured=[(fold.strip("/"), *rest) for fold, *rest in GAP_TABLES],
        splits=[(fold.strip("/"), *rest) for fold, *rest in CHAIN_KEYS],
    script:
        "../workflow/scripts/gap_table.py"
