# The tables of all accuracies and recalls, the paper's figures, and those of gap and verdict.
#   in:  all stages' images, tables and metrics, results/{gap,verdict}.csv, the authors' results
#   out: results/accuracy.csv, results/recall.csv, results/figures/*.{png,svg}

CURVES = {
    "figure5": "classifier_error",
    "figure6": "original_synthetic_error",
    "error_ratio": "error_ratio",
    "learning": "learning",
}
# Elsewhere the number of synthetic images is the same at every size.
if any(size.kind == "ratio" for size in EXPERIMENT.sizes):
    CURVES["figure4"] = "synthetic_error"
# The authors' test set held their GAN's images, too; it is theirs alone.
if EXPERIMENT.is_the_papers:
    CURVES["mixed_test_set"] = "mixed_test_set"
if EXPERIMENT.unlabelled:
    CURVES["unlabelled"] = "unlabelled"
SAMPLES = ["figure2", "figure3", "gallery", "conversions", "training", "features"]
FIGURES = [*SAMPLES, *CURVES, "confusion", "mistakes", "gap", "verdict"]
# Figures of images have room for four sizes, of the first fold, draw and GAN.
SHOWN = f"results/{FOLDS[0]}{{size}}/draw{DRAWS[0]}"
SHOWN_SIZES = [size.name for size in spread_sizes(EXPERIMENT.sizes)]
SHOWN_TITLES = {name: TITLES[name] for name in SHOWN_SIZES}

TABLES = ["accuracy", "recall"]

for table in TABLES:

    rule:
        name:
            table
        input:
            code=code("accuracy.py"),
            tables=of_chains(f"{table}_seed{{seed}}.csv"),
        output:
            f"results/{table}.csv",
        log:
            f"results/logs/{table}.log",
        localrule: True
        conda:
            CONDA_ENV
        threads: 1
        resources:
            mem_mb=more(1000),
            runtime=more(5),
        params:
            chains=CHAINS,
        script:
            "../workflow/scripts/accuracy.py"


rule figure2:
    input:
        code=code("figure2.py"),
        spec=SPEC,
        synthetic="results/synthetic/train.npz",
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
        spec=SPEC,
        synthetic="results/synthetic/test.npz",
        real=f"results/{FOLDS[0]}real/train.npz",
        converted=expand(f"{SHOWN}/convert/seed{GAN_SEEDS[0]}/test.npz", size=SHOWN_SIZES),
        splits=expand(f"{SHOWN}/splits/split.npz", size=SHOWN_SIZES),
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
        titles=[*SHOWN_TITLES.values()],
    script:
        "../workflow/scripts/figure3.py"


rule gallery:
    input:
        code=code("gallery.py"),
        spec=SPEC,
        synthetic="results/synthetic/train.npz",
        real=f"results/{FOLDS[0]}real/train.npz",
        converted=expand(f"{SHOWN}/convert/seed{GAN_SEEDS[0]}/train.npz", size=SHOWN_SIZES),
        splits=expand(f"{SHOWN}/splits/split.npz", size=SHOWN_SIZES),
    output:
        **figure("gallery"),
    log:
        "results/logs/gallery.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(1000, 2 * IMAGES_HELD),
        runtime=more(5),
    params:
        titles=[*SHOWN_TITLES.values()],
    script:
        "../workflow/scripts/gallery.py"


rule conversions:
    input:
        code=code("conversions.py"),
        spec=SPEC,
        synthetic="results/synthetic/test.npz",
        networks=expand(f"{SHOWN}/gan/seed{GAN_SEEDS[0]}/networks.safetensors", size=SHOWN_SIZES),
    output:
        **figure("conversions"),
    log:
        "results/logs/conversions.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=more(10),
        gpu=GPU,
    params:
        **COMPUTE,
        titles=[*SHOWN_TITLES.values()],
        gan=asdict(EXPERIMENT.gan),
        least_strength=EXPERIMENT.convert.least_strength,
    script:
        "../workflow/scripts/conversions.py"


rule training:
    input:
        **{
            size: expand(
                f"results/{{fold}}{size}/draw{{draw}}/gan/seed{{seed}}/metrics.jsonl",
                fold=FOLDS,
                draw=DRAWS,
                seed=GAN_SEEDS,
            )
            for size in SHOWN_SIZES
        },
        code=code("training.py"),
    output:
        **figure("training"),
    log:
        "results/logs/training.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        titles=SHOWN_TITLES,
    script:
        "../workflow/scripts/training.py"


rule features:
    input:
        code=code("features.py"),
        spec=SPEC,
        judge=f"results/{FOLDS[0]}gap/judge.safetensors",
        real=f"results/{FOLDS[0]}real/test.npz",
        synthetic="results/synthetic/test.npz",
        converted=expand(f"{SHOWN}/convert/seed{GAN_SEEDS[0]}/test.npz", size=SHOWN_SIZES),
    output:
        **figure("features"),
    log:
        "results/logs/features.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=more(10),
        gpu=GPU,
    params:
        **COMPUTE,
        titles=[*SHOWN_TITLES.values()],
        config=asdict(EXPERIMENT.classifier),
    script:
        "../workflow/scripts/features.py"


rule mistakes:
    input:
        **{
            size: expand(
                f"results/{FOLDS[0]}{size}/draw{{draw}}/classify/predictions_seed{{seed}}.npz",
                draw=DRAWS,
                seed=GAN_SEEDS,
            )
            for size in SHOWN_SIZES
        },
        code=code("mistakes.py"),
        spec=SPEC,
        test=f"results/{FOLDS[0]}real/test.npz",
    output:
        **{f"confusion_{suffix}": path for suffix, path in figure("confusion").items()},
        **{f"mistakes_{suffix}": path for suffix, path in figure("mistakes").items()},
    log:
        "results/logs/mistakes.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(5),
    params:
        titles=SHOWN_TITLES,
    script:
        "../workflow/scripts/mistakes.py"


for name, function in CURVES.items():

    rule:
        name:
            name
        input:
            code=code("curves.py"),
            accuracy="results/accuracy.csv",
            # Other images are not comparable with the authors'.
            authors=AUTHORS_RESULTS if EXPERIMENT.is_the_papers else [],
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


rule verdict_figure:
    input:
        code=code("verdict_figure.py"),
        verdict="results/verdict.csv",
    output:
        **figure("verdict"),
    log:
        "results/logs/verdict_figure.log",
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        titles=SHOWN_TITLES,
    script:
        "../workflow/scripts/verdict_figure.py"
