# How far font, converted and a ratio's real images are from MNIST's test images.
#   in:  MNIST, a ratio's split, font and converted test images, MNIST_GAN
#   out: results/gap/judge.npz (weights of a classifier of all MNIST training images), judge.csv
#        results/gap/font.csv, results/r{ratio}/gap/{real,converted_seed{seed},GAN_seed{seed}}.csv
#        results/gap.csv
# For the reader alone: nothing is trained or chosen by these numbers.

GAP_INPUT = {
    "code": code("gap.py"),
    "judge": "results/gap/judge.npz",
    "mnist": "results/mnist/test.npz",
}
GAP_TABLES = {
    ("", "", "MNIST test"): "results/gap/judge.csv",
    ("", "", "font"): "results/gap/font.csv",
    **{(ratio, "", "real"): f"results/r{ratio}/gap/real.csv" for ratio in RATIOS},
    **{
        (ratio, seed, images): f"results/r{ratio}/gap/{images}_seed{seed}.csv"
        for ratio in RATIOS
        for seed in GAN_SEEDS
        for images in ("converted", "GAN")
    },
}


rule gap_judge:
    input:
        code=code("gap_judge.py"),
        train="results/mnist/train.npz",
        test="results/mnist/test.npz",
    output:
        weights="results/gap/judge.npz",
        table="results/gap/judge.csv",
    log:
        "results/logs/gap_judge.log",
    benchmark:
        "results/benchmarks/gap_judge.tsv"
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(4000),
        runtime=minutes((3 * EXPERIMENT.classifier.samples, CLASSIFIER_SAMPLES)),
        gpu=GPU,
    params:
        # Better than what it judges: all real images, and three times the budget.
        config=asdict(EXPERIMENT.classifier) | {"samples": 3 * EXPERIMENT.classifier.samples},
    script:
        "../workflow/scripts/gap_judge.py"


rule gap_font:
    input:
        **GAP_INPUT,
        images="results/render/test.npz",
    output:
        "results/gap/font.csv",
    log:
        "results/logs/gap_font.log",
    benchmark:
        "results/benchmarks/gap_font.tsv"
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(4000),
        runtime=minutes((EXPERIMENT.classifier.samples, CLASSIFIER_SAMPLES), jobs=10),
        gpu=GPU,
    params:
        config=asdict(EXPERIMENT.classifier),
    script:
        "../workflow/scripts/gap.py"


use rule gap_font as gap_real with:
    input:
        **GAP_INPUT,
        images="results/mnist/train.npz",
        split="results/r{ratio}/splits/split.npz",
    output:
        "results/r{ratio}/gap/real.csv",
    log:
        "results/logs/r{ratio}/gap_real.log",
    benchmark:
        "results/benchmarks/r{ratio}/gap_real.tsv"


use rule gap_font as gap_converted with:
    input:
        **GAP_INPUT,
        images="results/r{ratio}/convert/seed{seed}/test.npz",
    output:
        "results/r{ratio}/gap/converted_seed{seed}.csv",
    log:
        "results/logs/r{ratio}/gap_converted_seed{seed}.log",
    benchmark:
        "results/benchmarks/r{ratio}/gap_converted_seed{seed}.tsv"


# What classifiers learn from: candidates chosen, and real images among them.
use rule gap_font as gap_gan with:
    input:
        **GAP_INPUT,
        images="results/r{ratio}/convert/seed{seed}/train.npz",
    output:
        "results/r{ratio}/gap/GAN_seed{seed}.csv",
    log:
        "results/logs/r{ratio}/gap_GAN_seed{seed}.log",
    benchmark:
        "results/benchmarks/r{ratio}/gap_GAN_seed{seed}.tsv"


rule gap_table:
    input:
        code=code("gap_table.py"),
        tables=list(GAP_TABLES.values()),
    output:
        report("results/gap.csv", caption="../workflow/report/gap_table.rst", category="Table"),
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
        total=EXPERIMENT.splits.total,
        sources=list(GAP_TABLES),
    script:
        "../workflow/scripts/gap_table.py"
