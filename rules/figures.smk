# The table of all accuracies, the paper's figures, and one of the gap.
#   in:  accuracies, font and converted images, the authors' results, results/gap.csv
#   out: results/accuracy.csv, results/figures/*.{png,svg}

CURVES = {
    "figure4": "font_error",
    "figure5": "classifier_error",
    "figure6": "original_font_error",
    "error_ratio": "error_ratio",
    "mixed_test_set": "mixed_test_set",
}
if EXPERIMENT.augmented:
    CURVES["baselines"] = "baselines"
FIGURES = ["figure2", "figure3", *CURVES, "gap"]
# Figure 3 has room for four ratios.
SHOWN_RATIOS = spread_ratios(RATIOS)


rule accuracy:
    input:
        code=code("accuracy.py"),
        tables=expand(
            "results/r{ratio}/classify/accuracy_seed{seed}.csv", ratio=RATIOS, seed=GAN_SEEDS
        ),
    output:
        report("results/accuracy.csv", caption="../workflow/report/accuracy.rst", category="Table"),
    log:
        "results/logs/accuracy.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        total=EXPERIMENT.splits.total,
        gans=[(ratio, seed) for ratio in RATIOS for seed in GAN_SEEDS],
    script:
        "../workflow/scripts/accuracy.py"


rule figure2:
    input:
        code=code("figure2.py"),
        font="results/render/train.npz",
    output:
        **figure("figure2"),
    log:
        "results/logs/figure2.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(5),
    script:
        "../workflow/scripts/figure2.py"


rule figure3:
    input:
        code=code("figure3.py"),
        font="results/render/test.npz",
        converted=expand(
            "results/r{ratio}/convert/seed{seed}/test.npz", ratio=SHOWN_RATIOS, seed=GAN_SEEDS[0]
        ),
    output:
        **figure("figure3"),
    log:
        "results/logs/figure3.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(4000),
        runtime=more(5),
    params:
        ratios=SHOWN_RATIOS,
    script:
        "../workflow/scripts/figure3.py"


for name, function in CURVES.items():

    rule:
        name:
            name
        input:
            code=code("curves.py"),
            accuracy="results/accuracy.csv",
            authors=AUTHORS_RESULTS,
        output:
            **figure(name),
        log:
            f"results/logs/{name}.log",
        localrule: True
        conda:
            CONDA_ENV
        threads: 1
        resources:
            mem_mb=more(1000),
            runtime=more(5),
        params:
            function=function,
        script:
            "../workflow/scripts/curves.py"


rule gap_figure:
    input:
        code=code("gap_figure.py"),
        gap="results/gap.csv",
    output:
        **figure("gap"),
    log:
        "results/logs/gap_figure.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    script:
        "../workflow/scripts/gap_figure.py"
