# One GAN for each size, draw and seed, from synthetic images to ones like the real.
#   in:  a split, the real and the synthetic training images, real ones without labels
#   out: results/{size}/draw{draw}/gan/seed{seed}/networks.safetensors, metrics.jsonl


rule gan:
    input:
        code=code("gan.py"),
        spec=SPEC,
        split="results/{fold}{size}/draw{draw}/splits/split.npz",
        real="results/{fold}real/train.npz",
        synthetic="results/synthetic/train.npz",
        unlabelled=UNLABELLED if EXPERIMENT.gan.unlabelled else [],
    output:
        networks="results/{fold}{size}/draw{draw}/gan/seed{seed}/networks.safetensors",
        metrics="results/{fold}{size}/draw{draw}/gan/seed{seed}/metrics.jsonl",
    log:
        "results/logs/{fold}{size}/draw{draw}/gan_seed{seed}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/gan_seed{seed}.tsv"
    priority: 1
    conda:
        CONDA_ENV
    # One core whatever --cores is: more would change the order of sums, and so the last bits.
    threads: 1
    resources:
        mem_mb=memory(4000, IMAGES_HELD + (N_UNLABELLED if EXPERIMENT.gan.unlabelled else 0)),
        runtime=minutes((EXPERIMENT.gan.samples, GANS[EXPERIMENT.gan_preset].training_rate)),
        gpu=GPU,
    params:
        **COMPUTE,
        config=asdict(EXPERIMENT.gan),
    script:
        "../workflow/scripts/gan.py"
