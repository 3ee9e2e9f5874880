// Written by `npm run docs:generate` from the examples in doc comments. Change those, not this file.
import { describe, it } from "vitest";
import * as z from "zod";
import { AnabranchError, BEST_CHECKPOINT, CLIP_NORM, EVENT_VERSION, FASHION_MNIST_CLASSES, LAMBDA, MESSAGE_VERSION, MODEL, NOISE_TOLERANCE, PRIVACY_RECORD, SCALAR, SHIPPED_DATASETS, TASK_KEYS, UNCLIPPED, VERSION, accountantNames, activeStages, adapterOptions, adaptiveClusters, adaptiveMargin, adaptiveSplit, addDirection, addGaussian, adjustedLogits, adviceFor, affineOperator, aggregate, aggregatePairs, aggregationPasses, algorithms, allocationSampler, applyOverrides, areaUnderCurve, assetUrl, assign, asyncFedavg, auditAttacks, augmentationRamp, autoflip, averageLinkage, averageSubModels, balancedAssignment, beforeStages, bernoulliBits, boundText, bristle, broadcastCosine, buildMethod, byRound, byzantineOf, calibrateNoise, calibrateRounds, chainOf, charTransformer, charTransformerOptions, checkDataset, checkpointName, chooseForDevice, classGroups, classPrototypes, classWeights, classification, classifierObjective, clipUpdate, clusteringAccuracy, clusteringTemperature, cnn28Options, cnn28x28, cnnCifar, cnnCifarOptions, columnGroups, combine, combineVectors, commentedTemplate, compressedDescent, compressorOf, configFields, configHash, configSchema, confusionDirection, confusionSums, copy, coreDelta, coreFromGradient, cosineDistances, countOnes, createAccountant, createAlgorithm, createModel, createPartitioner, cutToClusters, datasetHash, dealParts, decodeBroadcast, decodePayload, decodeSafetensors, decodeSealed, decodeUpdate, decodeVector, deepLeakage, defineMethod, deltaOf, denseWeights, deriveKey, describeFailure, detachedHeadLosses, dfedavg, dfedsam, diff2, diff2BvrLSgd, diloco, dirichlet, dirichletDisjoint, dirichletEqualSize, discreteGaussianSampler, distance, distancesAmong, distillation, ditto, dot, dpFedavg, dpFedavgm, dpFedlamb, dpFedpgn, dpFedsam, drawFeatures, drawWeighted, easiestFirst, editDistance, embeddingSkew, emptyBasis, emptyLedger, encodeBroadcast, encodeInto, encodePayload, encodeSafetensors, encodeSealed, encodeUpdate, encodeVector, encodedSize, encodingFault, entryTypes, entryView, errorNorms, exactUpdate, exampleCount, exampleSize, explorationMask, exportOnnx, f1ByClass, factored, failsForTrouble, featureNames, fedadagrad, fedadam, fedadamw, fedamd, fedasync, fedau, fedavg, fedavgm, fedbcgd, fedbcgdPlus, fedbn, fedbuff, fedcac, fedcm, fedcompass, fedfix, fedkseed, fedld, fedlex, fedloge, fedmuon, fednsam, fedpac, fedper, fedprox, fedrep, fedrolex, fedsam, fedspeed, fedyogi, ferret, fewestUpdates, firstSentence, flasc, fold, foldEvents, foldRange, formatEpsilon, fractionalCode, fractionalOrders, frl, frobeniusDistance, frozenBase, functionalSimilarity, fuseKnowledge, fusionWeights, gaussianAccountant, gaussianDelta, gaussianEpsilon, generatedTensors, generatorPhase, geometryOf, gini, gradientFromFactors, graphOf, groupEvents, groupFairness, gunzip, harderExamples, hasParallelRows, hasPersonalModels, hasVersionBefore, hashVector, headPhase, heavyBall, heldEntries, heldOf, heldUnits, heterofl, hidenseek, ifca, iid, initialParameters, inputOfLayer, inputsByBin, inputsByRow, instructionPrompt, integerOrders, invertGradients, isAway, isBiasLadder, isFiniteVector, isRegression, isVector, isWeighted, jensenShannon, joinParameters, jointNorm, jsonText, kMeans, keepsParameters, keptEntries, labelAccuracy, labelCounts, labelFromBias, labelFromWeights, labelsBySmallestEntry, labelsPresent, labelsWithRepeats, largestEncoding, layerBounds, layout, lbfgs, leakyScale, leastImportant, lenet5, lenet5Options, lgFedavg, linear, local, localSgd, logistic, logisticOptions, longTail, longTailSizes, lossWithMargin, marginPenalty, masha, mashaDraws, matchExamples, matrixOf, matrixScore, meanDivergence, meanGradientOf, meanOfCores, meanPairDistance, measureCompression, memoryBlobStore, memoryClientStates, mergeAdapters, minimalToml, mixCritical, mixed, mixingRows, mlp, mlpOptions, modelBlocks, modelOptions, modelSection, models, modest, mofedsam, monna, mostByzantine, namedModelParts, natural, nearest, nesterov, newInputs, newestCheckpoint, nextClipNorm, noSensitivity, noisePath, nonSmoothParts, norm2, normOf, normalisedAdjacency, normalisedRows, numbered, observeSensitivity, occurring, ocfl, offsiteEmulator, onebyte, openAdapter, openMatch, ownLayout, paddedSize, parseConfig, parseEvent, parseIdx, parseLedger, parseLink, parsePrivacyRecord, parseToml, partOf, partialFold, partialfed, partitionHash, partitionReport, partitionStatistics, partitioners, partnersOf, perfedavg, permutation, personalModel, pfedme, planBatches, planLeaves, pldAccountant, poissonSampler, pooledStatistics, populationStatistics, predictTest, prepareRun, printable, privacyEventSchema, projectToBall, projectedUpdate, projectorOf, pruneExamples, pruneSmallest, prunedMask, psnrOf, pulledBack, quadratic, quadraticOptions, quantile, quantitySkew, randomStream, rankTiers, rdpAccountant, readCifar10, readCsv, readEventLeniently, readIdx, readLeaf, readTextBySpeaker, readerLimits, realignedLogits, realignedWeight, references, refreshes, regression, relativeEntropy, relativeLambda, renderEvent, renderToml, renyiDivergences, reptileStep, requireAtMost, requireBlobName, requireHonestLayers, requireLayout, requirePrefix, rerce, resizeImage, resnet10, resnet18, resnet8, resnetOptions, resolveConfig, revealingFeatures, reward, rffl, rootKey, rowsOf, runEventSchemas, runInMemory, runStatuses, sampleWithoutReplacement, scaffold, scaleDown, scclip, scopeText, scoreGradient, scriptedSampler, searchGenerator, secureStream, seedMatrix, selectRows, selectTensorRows, selfCentredClipping, sensitivityScores, sentBytes, servedModel, setRules, shards, shrunkShape, shuffle, signBytes, signVote, signWords, signedWeights, signs, simplexFrame, singleLabelClasses, singleMerging, skellamSampler, sketching, slicedFold, sparseClassifier, spend, spentBy, spentText, splitAtRandom, splitByClass, splitGroupTails, splitHoldout, splitParameters, splitTraffic, stampEvent, standardizeTable, staticClassifier, statisticsOf, statusAfter, stepCount, stepFrom, stopsForTrouble, storedWeights, streamingDiloco, structuralSimilarity, subLayout, subModels, sum, summarizeCsv, surrogateRound, suspectLayers, symmetricDirichlet, symmetricDivergences, synapticFlow, syntheticClient, syntheticDataset, syntheticKeys, syntheticPopulation, taskKeys, testNote, threefry2x32, traceFederation, traceProblem, traceQuadratics, trainedHeader, tripletScores, twoHeadLoss, uniformMean, uniformSampler, unitAxes, updateNoiseMultiplier, updatedClassMeans, upperConfidence, vcgossip, vectorOffsets, vectors, visibleCount, visibleExamples, visiblePart, vit, vitOptions, weightedMean, wholeModel, withAdapters, withMetadata, withStatistics, withoutUnits, writeLink, zeroFeatures, zerosLike } from "@anabranch/core";
import { CONTROL_BYTES, LIVE_VERSION, MOST_UPLOAD_PARTS, USUAL_LIMITS, WITHHELD, advanceVersion, answerError, blobName, clientMessage, contentHash, contentHashOf, fromBase64, messageId, orderId, proofText, readUploadProgress, secureRecord, serverMessage, taskDescription, toBase64, uploadAnswer, uploadId, uploadUrl } from "@anabranch/core/live";
import { addMasks, bestCurves, bonawitz, bytesPerClient, chooseGraph, codedParameters, completeThreshold, dequantizeMean, hiddenMedian, identityPublicKey, levels, modulusBits, ownWeight, plain, platformCurves, portableCurves, protocolNames, quantize, secureEntropy, seededEntropy } from "@anabranch/core/secure-aggregation";
import { add, constant, evaluate, interpreter, mul, nn, reshape, sub } from "@anabranch/engine";
import { same } from "./same.ts";

describe("the example of", () => {
  it("upperConfidence (core/src/adapters/bandit.ts)", async () => {
    same(upperConfidence({ means: [0.5, 0.4], counts: [9, 1] }, 10, 0.5).choice, 1);
  });

  it("reward (core/src/adapters/bandit.ts)", async () => {
    same(reward({ means: [0.5], counts: [1] }, 0, 1).means, [0.75]);
  });

  it("chooseForDevice (core/src/adapters/device-choice.ts)", async () => {
    const candidates = [4, 8].map((batch) => ({ batch, rank: 2, bits: 8, memory: 10 * batch, time: batch }));
    same(chooseForDevice(candidates, { memory: 100, deadline: 5 })?.batch, 4);
  });

  it("distillation (core/src/adapters/distillation.ts)", async () => {
    const [student, teacher] = [constant([0, 0], [1, 2]), constant([100, 0], [1, 2])];
    same(evaluate(distillation(student, teacher, 1)).data, [0.6931]);
  });

  it("errorNorms (core/src/adapters/hard-examples.ts)", async () => {
    same(evaluate(errorNorms(constant([0, 0], [1, 2]), constant([0], [1], "int32"))).data, [0.7071]);
  });

  it("pruneExamples (core/src/adapters/hard-examples.ts)", async () => {
    same(pruneExamples([0.1, 1.2, 0.4, 0.9], 0.5), [1, 3]);
  });

  it("instructionPrompt (core/src/adapters/instruction-prompt.ts)", async () => {
    const { text, maskedCharacters } = instructionPrompt({ instruction: "Say yes.", output: "Yes" });
    same([...text].slice(maskedCharacters).join(""), "Yes");
  });

  it("deltaOf (core/src/adapters/low-rank-update.ts)", async () => {
    const [a, b] = [matrixOf([[1, 2]]), matrixOf([[3], [4]])];
    same(rowsOf(deltaOf({ a, b, scale: 2 })), [[6, 12], [8, 16]]);
  });

  it("exactUpdate (core/src/adapters/low-rank-update.ts)", async () => {
    const update = (a: number, b: number) => ({ a: matrixOf([[a]]), b: matrixOf([[b]]), scale: 1, weight: 1 });
    same(rowsOf(exactUpdate([update(1, 2), update(3, 4)])), [[7]]);
  });

  it("matrixOf (core/src/adapters/matrix.ts)", async () => {
    same(matrixOf([[1, 2, 3], [4, 5, 6]]).columns, 3);
  });

  it("rowsOf (core/src/adapters/matrix.ts)", async () => {
    same(rowsOf(matrixOf([[1, 2]])), [[1, 2]]);
  });

  it("frobeniusDistance (core/src/adapters/matrix.ts)", async () => {
    same(frobeniusDistance(matrixOf([[1, 2]]), matrixOf([[4, 6]])), 5);
  });

  it("offsiteEmulator (core/src/adapters/offsite-emulator.ts)", async () => {
    same(offsiteEmulator(8, 1, 0.5), { adapters: [0, 7], emulator: [1, 4, 6] });
  });

  it("factored (core/src/adapters/refactored.ts)", async () => {
    const { singularValues } = factored(matrixOf([[3, 0], [0, 1]]), 1, 2);
    same(singularValues, [3]);
  });

  it("relativeLambda (core/src/adapters/residual-corrected.ts)", async () => {
    same(relativeLambda({ a: matrixOf([[2, 0], [0, 4]]) }, 0.1), 1);
  });

  it("LAMBDA (core/src/adapters/rules.ts)", async () => {
    same(LAMBDA, 0.01);
  });

  it("aggregatePairs (core/src/adapters/rules.ts)", async () => {
    const update = (a: number, b: number) => ({ a: matrixOf([[a]]), b: matrixOf([[b]]), scale: 1, weight: 1 });
    const updates = [update(1, 2), update(3, 4)];
    same(rowsOf(deltaOf(aggregatePairs("fedit", updates))), [[6]]);
    same(rowsOf(deltaOf(aggregatePairs("flora", updates))), [[7]]);
  });

  it("observeSensitivity (core/src/adapters/sensitivity.ts)", async () => {
    const seen = observeSensitivity(noSensitivity(1), [2], [-3], { beta1: 0.5, beta2: 0.5 });
    same([...seen.mean, ...seen.deviation], [3, 1.5]);
  });

  it("sensitivityScores (core/src/adapters/sensitivity.ts)", async () => {
    const seen = { mean: Float64Array.of(2), deviation: Float64Array.of(3) };
    same(sensitivityScores(seen), [6]);
  });

  it("tripletScores (core/src/adapters/sensitivity.ts)", async () => {
    same(tripletScores([1, 3, 5, 2, 4], { outputs: 2, inputs: 2, rank: 1 }), [10]);
  });

  it("matrixScore (core/src/adapters/sensitivity.ts)", async () => {
    same(matrixScore([0.1, 3, 2], 2), 5);
  });

  it("splitTraffic (core/src/adapters/split-traffic.ts)", async () => {
    same(splitTraffic({ keptSamples: 2, activationFloats: 10, tailFloats: 5, promptFloats: 3 }).phase2, 320);
  });

  it("storedWeights (core/src/adapters/stored-weights.ts)", async () => {
    same(storedWeights(Float64Array.of(127, 30.4, -1), 8), [127, 30, -1]);
  });

  it("gradientFromFactors (core/src/adapters/structured-pruning.ts)", async () => {
    const [one, none] = [matrixOf([[1]]), matrixOf([[0]])];
    same(rowsOf(gradientFromFactors({ a: matrixOf([[2]]), b: one }, { a: none, b: matrixOf([[3]]) })), [[6]]);
  });

  it("leastImportant (core/src/adapters/structured-pruning.ts)", async () => {
    same(leastImportant([5, 1, 3, 1], 0.5), [1, 3]);
  });

  it("coreFromGradient (core/src/adapters/trained-core.ts)", async () => {
    const { core } = coreFromGradient(matrixOf([[2, 3], [1, 4]]), 0.5, 1);
    same(core.data, [1]);
  });

  it("coreDelta (core/src/adapters/trained-core.ts)", async () => {
    const [a, b, core] = [matrixOf([[1, 2]]), matrixOf([[3]]), matrixOf([[2]])];
    same(rowsOf(coreDelta({ a, b, core })), [[6, 12]]);
  });

  it("meanGradientOf (core/src/adapters/trained-core.ts)", async () => {
    same(rowsOf(meanGradientOf([matrixOf([[1]]), matrixOf([[4]])], [0.75, 0.25])), [[1.75]]);
  });

  it("meanOfCores (core/src/adapters/trained-core.ts)", async () => {
    same(rowsOf(meanOfCores([matrixOf([[1]]), matrixOf([[3]])])), [[2]]);
  });

  it("twoHeadLoss (core/src/adapters/two-stage.ts)", async () => {
    const [own, shared] = [constant([0, 0], [1, 2]), constant([100, 0], [1, 2])];
    same(evaluate(twoHeadLoss({ own, shared }, constant([0], [1], "int32"), 0.5)).data, [0.3466]);
  });

  it("mixCritical (core/src/aggregation/critical-parameters.ts)", async () => {
    const one = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
    const zero = Float64Array.of(0, 0);
    const trained = [Float64Array.of(2, 1), Float64Array.of(4, 1), Float64Array.of(3, 4)];
    const models = { global: zero, starts: [zero, zero, zero], trained, weights: [1, 1, 1], layout: one };
    const { nextStarts } = mixCritical({ ...models, fraction: 0.5, beta: 1, round: 0 });
    same(nextStarts, [[3, 2], [3, 2], [3, 4]]);
  });

  it("fold (core/src/aggregation/fold.ts)", async () => {
    const mean = fold("weightedMean", 2);
    mean.add(Float32Array.of(1, 0), 30);
    mean.add(Float32Array.of(5, 4), 10);
    same(mean.result(new Float64Array(2)), [2, 1]);
  });

  it("foldRange (core/src/aggregation/fold.ts)", async () => {
    const out = new Float64Array(3);
    foldRange("sum", [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)], [1, 1], 1, 3, out);
    same(out, [0, 7, 9]);
  });

  it("partialFold (core/src/aggregation/partial-fold.ts)", async () => {
    const model = layout([
      { name: "a", shape: [1], role: "vector", block: "a" },
      { name: "b", shape: [1], role: "vector", block: "b" },
    ]);
    const sums = partialFold("weightedMean", model, [subLayout(model, ({ name }) => name === "a"), model]);
    sums.addAll([Float32Array.of(1), Float32Array.of(3, 8)], [1, 1], undefined, [0, 1]);
    same(sums.result(new Float64Array(2)), [2, 8]);
  });

  it("aggregate (core/src/aggregation/robust/aggregate.ts)", async () => {
    const updates = [1, 2, 3, 4, 100].map((value) => Float32Array.of(value));
    same(aggregate({ name: "median" }, updates).aggregate, [3]);
    same(aggregate({ name: "krum", byzantine: 1 }, updates).selected, [1]);
  });

  it("aggregationPasses (core/src/aggregation/robust/aggregate.ts)", async () => {
    const rule = aggregationPasses({ name: "mean" }, 2, 1, {});
    same(runInMemory(rule, [Float32Array.of(1), Float32Array.of(3)], 1).aggregate, [2]);
  });

  it("selfCentredClipping (core/src/aggregation/robust/centred-clipping.ts)", async () => {
    const own = Float32Array.of(0);
    same(selfCentredClipping(own, [Float32Array.of(1), Float32Array.of(100)], [0.5, 0.5], 1), [1]);
  });

  it("runInMemory (core/src/aggregation/robust/passes.ts)", async () => {
    const rule = aggregationPasses({ name: "median" }, 3, 1, {});
    same(runInMemory(rule, [Float32Array.of(1), Float32Array.of(2), Float32Array.of(90)], 1).aggregate, [2]);
  });

  it("fewestUpdates (core/src/aggregation/robust/requirements.ts)", async () => {
    same(fewestUpdates({ name: "krum", byzantine: 2 }).count, 7);
  });

  it("mostByzantine (core/src/aggregation/robust/requirements.ts)", async () => {
    same(mostByzantine({ name: "krum", byzantine: 1 }, 10), 3);
  });

  it("setRules (core/src/aggregation/robust/rule.ts)", async () => {
    same(setRules.includes("krum"), true);
  });

  it("beforeStages (core/src/aggregation/robust/rule.ts)", async () => {
    same(beforeStages.includes("nnm"), true);
  });

  it("isWeighted (core/src/aggregation/robust/rule.ts)", async () => {
    same(isWeighted({ name: "mean" }), true);
  });

  it("byzantineOf (core/src/aggregation/robust/rule.ts)", async () => {
    same(byzantineOf({ name: "krum", byzantine: 2 }), 2);
  });

  it("slicedFold (core/src/aggregation/sliced-fold.ts)", async () => {
    const places = [Int32Array.of(0, 1, 2), Int32Array.of(2)];
    const mean = slicedFold("uniformMean", 3, (part) => places[part]!);
    mean.addAll([Float32Array.of(1, 2, 3), Float32Array.of(5)], [1, 1], undefined, [0, 1]);
    same(mean.result(new Float64Array(3)), [1, 2, 4]);
  });

  it("planLeaves (core/src/aggregation/tree-fold.ts)", async () => {
    same(planLeaves([4, 8], 0.5, 2), [1, 3]);
  });

  it("adaptiveClusters (core/src/algorithms/adaptive-clusters.ts)", async () => {
    same(adaptiveClusters({ distance: 0.5 }).name, "adaptive-clusters");
  });

  it("asyncFedavg (core/src/algorithms/async-fedavg.ts)", async () => {
    same(asyncFedavg.definition.name, "async-fedavg");
  });

  it("autoflip (core/src/algorithms/autoflip.ts)", async () => {
    same(autoflip({ pruned: 0.6 }).options["pruned"], 0.6);
  });

  it("modelBlocks (core/src/algorithms/blocks.ts)", async () => {
    const model = layout(mlp({ input: [4], hidden: [8, 8], classes: 2 }).parameters);
    same(modelBlocks(model, 2, "fedbcgd").length, 2);
  });

  it("bristle (core/src/algorithms/bristle.ts)", async () => {
    same(bristle({ peers: 5 }).gossip, { name: "class-weighted", exploration: 0.4, peers: 5 });
  });

  it("defineMethod (core/src/algorithms/define-method.ts)", async () => {
    const halfStep = defineMethod({
      name: "half-step",
      options: z.strictObject({}),
      build: () =>
        vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
          local: localSgd(),
          update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 0.5, delta) }),
        }),
    });
    same(halfStep.definition.name, "half-step");
  });

  it("dfedavg (core/src/algorithms/dfedavg.ts)", async () => {
    same(dfedavg.definition.name, "dfedavg");
  });

  it("dfedsam (core/src/algorithms/dfedsam.ts)", async () => {
    same(dfedsam.definition.name, "dfedsam");
  });

  it("diff2BvrLSgd (core/src/algorithms/diff2-bvr-l-sgd.ts)", async () => {
    same(diff2BvrLSgd.definition.name, "diff2-bvr-l-sgd");
  });

  it("diff2 (core/src/algorithms/diff2.ts)", async () => {
    same(diff2.definition.name, "diff2");
  });

  it("diloco (core/src/algorithms/diloco.ts)", async () => {
    same(diloco.definition.name, "diloco");
  });

  it("ditto (core/src/algorithms/ditto.ts)", async () => {
    same(ditto.definition.name, "ditto");
  });

  it("dpFedavg (core/src/algorithms/dp-fedavg.ts)", async () => {
    same(dpFedavg.definition.name, "dp-fedavg");
  });

  it("dpFedavgm (core/src/algorithms/dp-fedavgm.ts)", async () => {
    same(dpFedavgm.definition.name, "dp-fedavgm");
  });

  it("dpFedlamb (core/src/algorithms/dp-fedlamb.ts)", async () => {
    same(dpFedlamb.definition.name, "dp-fedlamb");
  });

  it("dpFedpgn (core/src/algorithms/dp-fedpgn.ts)", async () => {
    same(dpFedpgn.definition.name, "dp-fedpgn");
  });

  it("dpFedsam (core/src/algorithms/dp-fedsam.ts)", async () => {
    same(dpFedsam.definition.name, "dp-fedsam");
  });

  it("fedadamw (core/src/algorithms/fedadamw.ts)", async () => {
    same(fedadamw.definition.name, "fedadamw");
  });

  it("fedamd (core/src/algorithms/fedamd.ts)", async () => {
    same(fedamd.definition.name, "fedamd");
  });

  it("fedasync (core/src/algorithms/fedasync.ts)", async () => {
    same(fedasync.definition.name, "fedasync");
  });

  it("fedau (core/src/algorithms/fedau.ts)", async () => {
    same(fedau.definition.name, "fedau");
  });

  it("fedavg (core/src/algorithms/fedavg.ts)", async () => {
    same(fedavg({ serverLearningRate: 0.5 }).options, { serverLearningRate: 0.5 });
  });

  it("fedavgm (core/src/algorithms/fedavgm.ts)", async () => {
    same(fedavgm.definition.name, "fedavgm");
  });

  it("fedbcgdPlus (core/src/algorithms/fedbcgd-plus.ts)", async () => {
    same(fedbcgdPlus.definition.name, "fedbcgd+");
  });

  it("fedbcgd (core/src/algorithms/fedbcgd.ts)", async () => {
    same(fedbcgd.definition.name, "fedbcgd");
  });

  it("fedbn (core/src/algorithms/fedbn.ts)", async () => {
    same(fedbn.definition.name, "fedbn");
  });

  it("fedbuff (core/src/algorithms/fedbuff.ts)", async () => {
    same(fedbuff.definition.name, "fedbuff");
  });

  it("fedcac (core/src/algorithms/fedcac.ts)", async () => {
    same(fedcac.definition.name, "fedcac");
  });

  it("fedcm (core/src/algorithms/fedcm.ts)", async () => {
    same(fedcm.definition.name, "fedcm");
  });

  it("fedcompass (core/src/algorithms/fedcompass.ts)", async () => {
    same(fedcompass.definition.name, "fedcompass");
  });

  it("fedfix (core/src/algorithms/fedfix.ts)", async () => {
    same(fedfix.definition.name, "fedfix");
  });

  it("fedkseed (core/src/algorithms/fedkseed.ts)", async () => {
    same(fedkseed({ seeds: 1024 }).options["seeds"], 1024);
  });

  it("fedld (core/src/algorithms/fedld.ts)", async () => {
    same(fedld.definition.name, "fedld");
  });

  it("fedlex (core/src/algorithms/fedlex.ts)", async () => {
    same(fedlex.definition.name, "fedlex");
  });

  it("fedloge (core/src/algorithms/fedloge.ts)", async () => {
    same(fedloge.definition.name, "fedloge");
  });

  it("fedmuon (core/src/algorithms/fedmuon.ts)", async () => {
    same(fedmuon.definition.name, "fedmuon");
  });

  it("fednsam (core/src/algorithms/fednsam.ts)", async () => {
    same(fednsam.definition.name, "fednsam");
  });

  it("fedadagrad (core/src/algorithms/fedopt.ts)", async () => {
    same(fedadagrad.definition.name, "fedadagrad");
  });

  it("fedadam (core/src/algorithms/fedopt.ts)", async () => {
    same(fedadam.definition.name, "fedadam");
  });

  it("fedyogi (core/src/algorithms/fedopt.ts)", async () => {
    same(fedyogi.definition.name, "fedyogi");
  });

  it("fedpac (core/src/algorithms/fedpac.ts)", async () => {
    same(fedpac.definition.name, "fedpac");
  });

  it("fedper (core/src/algorithms/fedper.ts)", async () => {
    same(fedper.definition.name, "fedper");
  });

  it("fedprox (core/src/algorithms/fedprox.ts)", async () => {
    same(fedprox.definition.name, "fedprox");
  });

  it("fedrep (core/src/algorithms/fedrep.ts)", async () => {
    same(fedrep.definition.name, "fedrep");
  });

  it("fedrolex (core/src/algorithms/fedrolex.ts)", async () => {
    same(fedrolex({ widths: [0.5] }).widths, { ratios: [0.5], rolls: true });
  });

  it("fedsam (core/src/algorithms/fedsam.ts)", async () => {
    same(fedsam.definition.name, "fedsam");
  });

  it("fedspeed (core/src/algorithms/fedspeed.ts)", async () => {
    same(fedspeed.definition.name, "fedspeed");
  });

  it("ferret (core/src/algorithms/ferret.ts)", async () => {
    same(ferret({ coordinates: 128 }).options["coordinates"], 128);
  });

  it("flasc (core/src/algorithms/flasc.ts)", async () => {
    same(flasc.definition.name, "flasc");
  });

  it("frl (core/src/algorithms/frl.ts)", async () => {
    same(frl.definition.name, "frl");
  });

  it("heterofl (core/src/algorithms/heterofl.ts)", async () => {
    same(heterofl({ widths: [1, 0.5] }).widths, { ratios: [1, 0.5], rolls: false });
  });

  it("hidenseek (core/src/algorithms/hidenseek.ts)", async () => {
    same(hidenseek({ keep: 0.3 }).options["keep"], 0.3);
  });

  it("ifca (core/src/algorithms/ifca.ts)", async () => {
    same(ifca({ clusters: 3 }).clusters?.count, 3);
  });

  it("lgFedavg (core/src/algorithms/lg-fedavg.ts)", async () => {
    same(lgFedavg.definition.name, "lg-fedavg");
  });

  it("localSgd (core/src/algorithms/local-sgd.ts)", async () => {
    // the client half of FedProx: pull towards the broadcast model with strength 0.1
    const half = localSgd({
      direction: (gradients, y, { broadcast }) =>
        combine((g, pull) => add(g, mul(0.1, pull)), gradients, combine(sub, y, broadcast.parameters)),
    });
    same(typeof half.step, "function");
  });

  it("local (core/src/algorithms/local.ts)", async () => {
    same(local.definition.name, "local");
  });

  it("buildMethod (core/src/algorithms/method-options.ts)", async () => {
    same(buildMethod(fedavg.definition, { serverLearningRate: 0.5 }).options, { serverLearningRate: 0.5 });
  });

  it("vectors (core/src/algorithms/method.ts)", async () => {
    const declared = vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } });
    same(typeof declared.method, "function");
  });

  it("modest (core/src/algorithms/modest.ts)", async () => {
    same(modest({ aggregators: 3 }).sampling?.aggregators, 3);
  });

  it("mofedsam (core/src/algorithms/mofedsam.ts)", async () => {
    same(mofedsam.definition.name, "mofedsam");
  });

  it("monna (core/src/algorithms/monna.ts)", async () => {
    same(monna.definition.name, "monna");
  });

  it("ocfl (core/src/algorithms/ocfl.ts)", async () => {
    same(ocfl({ clusters: 3 }).wholePopulation, true);
  });

  it("onebyte (core/src/algorithms/onebyte.ts)", async () => {
    same(onebyte({ quantize: false }).options["quantize"], false);
  });

  it("combine (core/src/algorithms/parameter-tensors.ts)", async () => {
    const sums = combine(add, { w: constant([1, 2], [2]) }, { w: constant([3, 4], [2]) });
    same(evaluate(sums["w"]!).data, [4, 6]);
  });

  it("partialfed (core/src/algorithms/partialfed.ts)", async () => {
    same(partialfed({ keeps: [["head"], []] }).options, { keeps: [["head"], []] });
  });

  it("perfedavg (core/src/algorithms/perfedavg.ts)", async () => {
    same(perfedavg.definition.name, "perfedavg");
  });

  it("pfedme (core/src/algorithms/pfedme.ts)", async () => {
    same(pfedme.definition.name, "pfedme");
  });

  it("algorithms (core/src/algorithms/registry.ts)", async () => {
    same(algorithms.map(({ name }) => name).includes("scaffold"), true);
  });

  it("createAlgorithm (core/src/algorithms/registry.ts)", async () => {
    const scaffold = createAlgorithm("scaffold", { serverLearningRate: 1 });
    same(scaffold.name, "scaffold");
  });

  it("rerce (core/src/algorithms/rerce.ts)", async () => {
    same(rerce.definition.name, "rerce");
  });

  it("rffl (core/src/algorithms/rffl.ts)", async () => {
    same(rffl.definition.name, "rffl");
  });

  it("scaffold (core/src/algorithms/scaffold.ts)", async () => {
    same(scaffold.definition.name, "scaffold");
  });

  it("scclip (core/src/algorithms/scclip.ts)", async () => {
    same(scclip.definition.name, "scclip");
  });

  it("combineVectors (core/src/algorithms/server.ts)", async () => {
    same(combineVectors((a, b) => a - b, Float32Array.of(3, 4), Float32Array.of(1, 1)), [2, 3]);
  });

  it("stepFrom (core/src/algorithms/server.ts)", async () => {
    same(stepFrom(Float32Array.of(1, 2), 0.5, Float32Array.of(2, 2)), [2, 3]);
  });

  it("heavyBall (core/src/algorithms/server.ts)", async () => {
    const server = { parameters: Float32Array.of(1), momentum: Float32Array.of(2) };
    same(heavyBall(server, Float32Array.of(1), 0.5, 0.1), { parameters: [1.2], momentum: [2] });
  });

  it("nesterov (core/src/algorithms/server.ts)", async () => {
    const server = { parameters: Float32Array.of(1), momentum: Float32Array.of(2) };
    same(nesterov(server, Float32Array.of(1), 0.5, 0.1), { parameters: [1.2], momentum: [2] });
  });

  it("MODEL (core/src/algorithms/shapes.ts)", async () => {
    same(MODEL, { kind: "model" });
  });

  it("SCALAR (core/src/algorithms/shapes.ts)", async () => {
    same(SCALAR, { kind: "scalar" });
  });

  it("ownLayout (core/src/algorithms/shapes.ts)", async () => {
    const halves = ownLayout((model) => subLayout(model, ({ role }) => role === "matrix"));
    same(halves.kind, "own");
  });

  it("weightedMean (core/src/algorithms/shapes.ts)", async () => {
    same(weightedMean(MODEL).aggregation, "weightedMean");
  });

  it("uniformMean (core/src/algorithms/shapes.ts)", async () => {
    same(uniformMean(MODEL).aggregation, "uniformMean");
  });

  it("sum (core/src/algorithms/shapes.ts)", async () => {
    same(sum(SCALAR).aggregation, "sum");
  });

  it("singleMerging (core/src/algorithms/single-merging.ts)", async () => {
    same(singleMerging.definition.name, "single-merging");
  });

  it("sketching (core/src/algorithms/sketching.ts)", async () => {
    same(sketching.definition.name, "sketching");
  });

  it("streamingDiloco (core/src/algorithms/streaming-diloco.ts)", async () => {
    same(streamingDiloco.definition.name, "streaming-diloco");
  });

  it("vcgossip (core/src/algorithms/vcgossip.ts)", async () => {
    same(vcgossip.definition.name, "vcgossip");
  });

  it("adviceFor (core/src/audit/advice.ts)", async () => {
    const protocol = { localSteps: 1, batchSize: 1, examples: 1 };
    const defences = { isMasked: false, isNoised: false, hasServerNoise: false, isCompressed: false };
    same(adviceFor(mlp(), { ...protocol, ...defences }).some(({ kind }) => kind === "risk"), true);
  });

  it("inputOfLayer (core/src/audit/analytic.ts)", async () => {
    same(inputOfLayer({ weights: [[2, 4], [1, 2]], bias: [2, 1] }), [1, 2]);
  });

  it("inputsByRow (core/src/audit/analytic.ts)", async () => {
    same(inputsByRow({ weights: [[2, 4], [0, 0], [3, 3]], bias: [2, 0, 3] }), [[1, 1], [1, 2]]);
  });

  it("inputsByBin (core/src/audit/analytic.ts)", async () => {
    same(inputsByBin({ weights: [[3, 5], [1, 2]], bias: [2, 1] }), [{ bin: 0, x: [2, 3] }, { bin: 1, x: [1, 2] }]);
  });

  it("auditAttacks (core/src/audit/audit-attacks.ts)", async () => {
    same(auditAttacks.includes("ig"), true);
  });

  it("hasParallelRows (core/src/audit/broadcast-guard.ts)", async () => {
    same(hasParallelRows([[1, 2], [3, 1], [-2, -4]]), true);
  });

  it("isBiasLadder (core/src/audit/broadcast-guard.ts)", async () => {
    same(isBiasLadder([-0.1, -0.2, -0.3]), true);
    same(isBiasLadder([-0.1, -0.2, -0.4]), false);
  });

  it("suspectLayers (core/src/audit/broadcast-guard.ts)", async () => {
    const of = layout(mlp({ input: [30], inputType: "float", hidden: [4], classes: 2 }).parameters);
    const parameters = new Float64Array(of.size).fill(1);
    same(suspectLayers(parameters, of), [{ block: "dense1", parallelRows: true, biasLadder: false }]);
  });

  it("requireHonestLayers (core/src/audit/broadcast-guard.ts)", async () => {
    const model = mlp({ input: [30], inputType: "float", hidden: [4], classes: 2 });
    const parameters = initialParameters(model.parameters, rootKey(1));
    requireHonestLayers(parameters, layout(model.parameters)); // throws client/malicious-layer for parallel rows
  });

  it("broadcastCosine (core/src/audit/broadcast-guard.ts)", async () => {
    same(broadcastCosine([1, 0], [3, 0]), 1);
  });

  it("normOf (core/src/audit/broadcast-guard.ts)", async () => {
    same(normOf([3, 4]), 5);
  });

  it("deepLeakage (core/src/audit/deep-leakage.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    // the gradient of the example (1, 2) with label 0
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const found = await deepLeakage(model, received, { examples: 1, labels: [0] }, interpreter());
    same(found.examples[0]!.map(Math.round), [1, 2]);
  });

  it("pruneSmallest (core/src/audit/defences.ts)", async () => {
    const of = layout([{ name: "w", shape: [4], role: "vector", block: "w" }]);
    const update = Float64Array.of(3, -1, 2, 1);
    pruneSmallest(update, of, 0.5);
    same(update, [3, 0, 2, 0]);
  });

  it("revealingFeatures (core/src/audit/defences.ts)", async () => {
    same(revealingFeatures([1, 2, 1], [[3, 4], [1, 0], [0, 2]], 0.34), [1]);
  });

  it("zeroFeatures (core/src/audit/defences.ts)", async () => {
    const gradient = [Float64Array.of(1, 2), Float64Array.of(3, 4)];
    zeroFeatures(gradient, [1]);
    same(gradient.map((row) => row[1]), [0, 0]);
  });

  it("searchGenerator (core/src/audit/generator-search.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    // the gradient of the example (1, 2) with label 0
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const double = { shape: [2], apply: (_: object, h: Parameters<typeof mul>[0]) => mul(h, 2) };
    const generator = { layout: layout([]), parameters: new Float64Array(0), stages: [double] };
    const start = Float64Array.of(1, 1);
    const settings = { examples: 1, labels: [0], iterations: 50, start };
    const { loss } = await searchGenerator(model, received, generator, settings, interpreter());
    same(loss < 0.2, true);
  });

  it("openMatch (core/src/audit/gradient-match.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const settings = { examples: 1, distance: "squared", labels: "given" } as const;
    const match = await openMatch(model, received, settings, interpreter());
    const { loss } = await match.at(Float64Array.of(1, 2), Float64Array.of(1, 0));
    same(loss, 0);
  });

  it("matchExamples (core/src/audit/image-quality.ts)", async () => {
    const { assignment, psnr } = matchExamples([[0, 0], [1, 1]], [[0.9, 0.9], [0.1, 0.1]]);
    same(assignment, [1, 0]);
    same(Math.round(psnr[0]!), 20);
  });

  it("psnrOf (core/src/audit/image-quality.ts)", async () => {
    same(psnrOf(0.01), 20);
  });

  it("invertGradients (core/src/audit/inverting-gradients.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    // the gradient of the example (1, 2) with label 0
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const box = { low: [0], high: [2] };
    const { loss } = await invertGradients(model, received, { examples: 1, labels: [0], box }, interpreter());
    same(loss < 1e-2, true);
  });

  it("projectToBall (core/src/audit/l1-ball.ts)", async () => {
    same(projectToBall([3, -1], 2), [2, 0]);
  });

  it("labelFromBias (core/src/audit/label-recovery.ts)", async () => {
    same(labelFromBias([0.2, -0.7, 0.5]), 1);
  });

  it("labelFromWeights (core/src/audit/label-recovery.ts)", async () => {
    same(labelFromWeights([[0.2, 0.1], [-0.7, -0.4]]), 1);
  });

  it("labelsPresent (core/src/audit/label-recovery.ts)", async () => {
    same(labelsPresent([-0.2, 0.6, -0.4]), [0, 2]);
  });

  it("labelsBySmallestEntry (core/src/audit/label-recovery.ts)", async () => {
    same(labelsBySmallestEntry([[-0.1, 0.3], [0.2, 0.1], [-0.5, 0]], 2), [0, 2]);
  });

  it("labelsWithRepeats (core/src/audit/label-recovery.ts)", async () => {
    same(labelsWithRepeats([-0.2, 0.9, -0.7], 3), [0, 2, 2]);
  });

  it("labelAccuracy (core/src/audit/label-recovery.ts)", async () => {
    same(labelAccuracy([3, 3, 5, 7], [3, 5, 5, 7]), 0.75);
  });

  it("lbfgs (core/src/audit/lbfgs.ts)", async () => {
    const bowl = async (p: Float64Array) => ({ loss: (p[0]! - 3) ** 2, gradient: [2 * (p[0]! - 3)] });
    const { point } = await lbfgs(bowl, Float64Array.of(0), { iterations: 20 });
    same(Math.round(point[0]!), 3);
  });

  it("nonSmoothParts (core/src/audit/model-view.ts)", async () => {
    same(nonSmoothParts(mlp({ input: [4], hidden: [3], classes: 2 })), ["relu"]);
    same(nonSmoothParts(mlp({ input: [4], hidden: [3], classes: 2, activation: "sigmoid" })), []);
  });

  it("structuralSimilarity (core/src/audit/structural-similarity.ts)", async () => {
    const image = Float64Array.from({ length: 144 }, (_, i) => (i % 5) / 5);
    same(structuralSimilarity(image, image, 12, 12), 1);
  });

  it("surrogateRound (core/src/blackbox/fzoos.ts)", async () => {
    const functions = [0.2, 0.6].map((b) => (x: Float64Array) => (x[0]! - b) ** 2);
    const features = drawFeatures(1, 50, 1, randomStream(rootKey(1)));
    const settings = { localSteps: 5, learningRate: 0.05, lengthScale: 1, jitter: 1e-6, ridge: 1e-6 };
    const points = [0, 1].map((x) => Float64Array.of(x));
    const history = functions.map((f) => ({ points, values: points.map(f) }));
    const { x } = surrogateRound(functions, features, settings, { x: Float64Array.of(0.9), history });
    same(x[0]! < 0.9, true);
  });

  it("stepCount (core/src/client/batches.ts)", async () => {
    same(stepCount(45, 20, { localEpochs: 2 }), 6);
  });

  it("planBatches (core/src/client/batches.ts)", async () => {
    const { steps, indices } = planBatches(3, 2, { localEpochs: 1 }, rootKey(1));
    same(steps, 2);
    same(indices.length, 4);
  });

  it("describeFailure (core/src/client/describe-failure.ts)", async () => {
    same(describeFailure(new AnabranchError({ code: "data/empty", message: "no examples" })).code, "data/empty");
  });

  it("adaptiveSplit (core/src/clustering/adaptive-split.ts)", async () => {
    const updates = [1, 1, -1, -1].map((x) => Float64Array.of(x));
    same(adaptiveSplit(updates, { distance: 0.5, minimumClients: 2 })?.children, [[0, 1], [2, 3]]);
  });

  it("reptileStep (core/src/clustering/adaptive-split.ts)", async () => {
    same([0, 9].map((round) => reptileStep(round, 10)), [1, 0.1]);
  });

  it("assign (core/src/clustering/assignment.ts)", async () => {
    same(assign([[4, 1], [2, 8]]), [1, 0]);
  });

  it("cosineDistances (core/src/clustering/distances.ts)", async () => {
    same(Array.from(cosineDistances([Float64Array.of(1, 0), Float64Array.of(-2, 0)]).values), [0, 2, 2, 0]);
  });

  it("distancesAmong (core/src/clustering/distances.ts)", async () => {
    const distances = cosineDistances([[1, 0], [0, 1], [1, 0]].map((one) => Float32Array.from(one)));
    same(distancesAmong(distances, [0, 2]).values, [0, 0, 0, 0]);
  });

  it("meanPairDistance (core/src/clustering/distances.ts)", async () => {
    const distances = cosineDistances([[1, 0], [0, 1], [1, 0]].map((one) => Float32Array.from(one)));
    same(meanPairDistance(distances, [[0, 1], [2]]), 1);
  });

  it("averageLinkage (core/src/clustering/linkage.ts)", async () => {
    const values = Float64Array.of(0, 1, 4, 1, 0, 6, 4, 6, 0);
    same(averageLinkage({ count: 3, values }).map(({ height }) => height), [1, 5]);
  });

  it("cutToClusters (core/src/clustering/linkage.ts)", async () => {
    const values = Float64Array.of(0, 4, 1, 4, 0, 6, 1, 6, 0);
    same(cutToClusters(averageLinkage({ count: 3, values }), 2), [0, 1, 0]);
  });

  it("numbered (core/src/clustering/linkage.ts)", async () => {
    same(numbered([7, 3, 7]), [0, 1, 0]);
  });

  it("mixed (core/src/clustering/mixing-rule.ts)", async () => {
    const models = [Float64Array.of(1), Float64Array.of(3)];
    same(mixed(models, [{ nodes: [0, 1], weights: [0.5, 0.5] }]).data, [2]);
  });

  it("normalisedRows (core/src/clustering/mixing-rule.ts)", async () => {
    same(normalisedRows([[1, 3]])[0]?.weights, [0.25, 0.75]);
  });

  it("clusteringTemperature (core/src/clustering/one-shot.ts)", async () => {
    same(clusteringTemperature(cosineDistances([Float64Array.of(1, 0), Float64Array.of(0, 1)])), 0.5);
  });

  it("functionalSimilarity (core/src/clustering/similarity.ts)", async () => {
    same(functionalSimilarity([Float64Array.of(1), Float64Array.of(2)], 10), [[0.5, 0.5], [0.5, 0.5]]);
  });

  it("fusionWeights (core/src/clustering/similarity.ts)", async () => {
    same(fusionWeights([[0, 1], [1, 0]], Number.POSITIVE_INFINITY), [[1, 0], [0, 1]]);
  });

  it("encodeVector (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    const spec = { name: "truncated-svd", share: 0.25 } as const;
    same(encodeVector(spec, model, new Float32Array(64).fill(1)).length < 64, true);
  });

  it("decodeVector (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    const spec = { name: "truncated-svd", energy: 0.99 } as const;
    const sent = encodeVector(spec, model, new Float32Array(64).fill(1));
    same(decodeVector(spec, model, sent).subarray(0, 3), [1, 1, 1]);
  });

  it("encodingFault (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    const spec = { name: "truncated-svd", energy: 0.99 } as const;
    same(encodingFault(spec, model, encodeVector(spec, model, new Float32Array(64).fill(1))), undefined);
  });

  it("largestEncoding (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    same(largestEncoding({ name: "truncated-svd", energy: 0.99 }, model) >= 64, true);
  });

  it("fractionalCode (core/src/coding/gradient-code.ts)", async () => {
    same(fractionalCode(6, 1).workers, 6);
  });

  it("seedMatrix (core/src/coding/gradient-code.ts)", async () => {
    same(seedMatrix(4, 1, rootKey(1)).length, 1);
  });

  it("compressorOf (core/src/compression/chain.ts)", async () => {
    const chain = compressorOf([{ name: "top-k", density: 0.01 }, { name: "nf4", block: 64 }]);
    same(chain.traits.contractive, true);
  });

  it("measureCompression (core/src/compression/measure.ts)", async () => {
    const model = layout([{ name: "w", shape: [4], role: "vector", block: "w" }]);
    const settings = { up: [{ name: "top-k", density: 0.25 } as const], scope: "model" } as const;
    same(measureCompression(settings, model, Float32Array.of(4, 0, -3, 0), rootKey(1)).relativeError, 0.6);
  });

  it("parseLink (core/src/compression/parse-link.ts)", async () => {
    same(parseLink("top-k density=0.01"), { name: "top-k", density: 0.01 });
  });

  it("writeLink (core/src/compression/parse-link.ts)", async () => {
    same(writeLink({ name: "nf4", block: 64 }), "nf4 block=64");
  });

  it("encodePayload (core/src/compression/payload.ts)", async () => {
    const model = layout([{ name: "w", shape: [8], role: "vector", block: "w" }]);
    const settings = { up: [{ name: "sign" } as const], scope: "model" } as const;
    same(encodePayload(settings, model, new Float32Array(8).fill(0.5), rootKey(1)).length, 5);
  });

  it("decodePayload (core/src/compression/payload.ts)", async () => {
    const model = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
    const settings = { up: [{ name: "sign" } as const], scope: "model" } as const;
    const bytes = encodePayload(settings, model, Float32Array.of(0.5, -0.5), rootKey(1));
    same(decodePayload(settings, model, bytes, (length) => new Float32Array(length)), [0.5, -0.5]);
  });

  it("configFields (core/src/config/fields.ts)", async () => {
    same(configFields.find(({ path }) => path.join(".") === "sampler.cohort")!.defaultValue, 10);
  });

  it("minimalToml (core/src/config/minimal.ts)", async () => {
    same(minimalToml("rounds = 3\n[training]\nmomentum = 0 # off\n", "a.toml"), "rounds = 3\n");
  });

  it("modelSection (core/src/config/model-section.ts)", async () => {
    const { model } = resolveConfig({ model: { name: "mlp", hidden: [32] } });
    same(modelSection(model).options, { hidden: [32] });
  });

  it("namedModelParts (core/src/config/model-section.ts)", async () => {
    const config = resolveConfig({ model: { name: "mlp" }, adapters: { rank: 4 } });
    same(namedModelParts(config).options, { adapters: { rank: 4, targets: [] } });
  });

  it("applyOverrides (core/src/config/overrides.ts)", async () => {
    const raw = applyOverrides({ rounds: 5 }, ["training.learningRate=0.1"]);
    same(raw["training"], { learningRate: 0.1 });
  });

  it("renderToml (core/src/config/render.ts)", async () => {
    same(renderToml(resolveConfig({ rounds: 5 })).split("\n")[2], "rounds = 5");
  });

  it("configHash (core/src/config/render.ts)", async () => {
    same(configHash(resolveConfig({ rounds: 5 })) === configHash(resolveConfig({ rounds: 6 })), false);
  });

  it("resolveConfig (core/src/config/resolve.ts)", async () => {
    const config = resolveConfig({ rounds: 5, data: { clients: 20 } });
    same(config.sampler, { cohort: 10, name: "uniform" });
  });

  it("configSchema (core/src/config/schema.ts)", async () => {
    same(configSchema.parse({ rounds: 5 }).training.batchSize, 20);
  });

  it("commentedTemplate (core/src/config/template.ts)", async () => {
    same(commentedTemplate("first").includes('name = "first"'), true);
  });

  it("parseConfig (core/src/config/toml.ts)", async () => {
    const config = parseConfig("rounds = 5\n[sampler]\ncohort = 3\n", "run.toml", ["seed=2"]);
    same([config.rounds, config.sampler.cohort, config.seed], [5, 3, 2]);
  });

  it("parseToml (core/src/config/toml.ts)", async () => {
    same(parseToml("rounds = 5", "run.toml"), { rounds: 5 });
  });

  it("exampleCount (core/src/data/dataset.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(exampleCount(data), 6);
  });

  it("exampleSize (core/src/data/dataset.ts)", async () => {
    same(exampleSize({ dtype: "uint8", shape: [5, 1, 8, 8], data: new Uint8Array(320) }), 64);
  });

  it("selectTensorRows (core/src/data/dataset.ts)", async () => {
    const tensor = { dtype: "float", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
    same(selectTensorRows(tensor, [2, 0]).data, [5, 6, 1, 2]);
  });

  it("selectRows (core/src/data/dataset.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(selectRows(data, [0, 2]).labels.data, [0, 0]);
  });

  it("checkDataset (core/src/data/dataset.ts)", async () => {
    checkDataset(syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 })); // throws data/... where not
  });

  it("relativeEntropy (core/src/data/divergence.ts)", async () => {
    same(relativeEntropy([0.5, 0.5], [0.5, 0.5]), 0);
  });

  it("symmetricDivergences (core/src/data/divergence.ts)", async () => {
    same(symmetricDivergences([[0.5, 0.5], [0.25, 0.75]])[0], [0, 0.1373]);
  });

  it("jensenShannon (core/src/data/divergence.ts)", async () => {
    same(jensenShannon([1, 0], [0, 1]), 1);
  });

  it("datasetHash (core/src/data/hash.ts)", async () => {
    same(datasetHash(syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 })).length, 16);
  });

  it("partitionHash (core/src/data/hash.ts)", async () => {
    same(partitionHash({ clients: [Int32Array.of(0, 1)] }).length, 16);
  });

  it("splitHoldout (core/src/data/holdout.ts)", async () => {
    const partition = { clients: [Int32Array.of(0, 1, 2, 3, 4)] };
    const { holdout } = splitHoldout(partition, 0.2, rootKey(1));
    same(holdout.clients[0]!.length, 1);
  });

  it("kMeans (core/src/data/k-means.ts)", async () => {
    const points = [0, 1, 9].map((x) => Float64Array.of(x));
    same(Array.from(kMeans(points, [points[0]!, points[1]!]).labels), [0, 0, 1]);
  });

  it("partitionReport (core/src/data/partition-report.ts)", async () => {
    const { meanJs, gini } = partitionReport([[4, 0], [0, 12]]);
    same(meanJs, 1);
    same(gini, 0.25);
  });

  it("meanDivergence (core/src/data/partition-report.ts)", async () => {
    same(meanDivergence([[4, 0], [0, 4]]), 1);
  });

  it("gini (core/src/data/partition-report.ts)", async () => {
    same(gini([0, 0, 0, 4]), 0.75);
  });

  it("dirichletDisjoint (core/src/data/partitioners/dirichlet-disjoint.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
    const scheme = dirichletDisjoint({ alpha: 5, minimumSize: 1 });
    const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 4 });
    same(clients.reduce((total, rows) => total + rows.length, 0), 100);
  });

  it("dirichletEqualSize (core/src/data/partitioners/dirichlet-equal-size.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
    const scheme = dirichletEqualSize({ alpha: 0.3 });
    const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 5 });
    same(clients.map((rows) => rows.length), [20, 20, 20, 20, 20]);
  });

  it("embeddingSkew (core/src/data/partitioners/embedding.ts)", async () => {
    const features = { dtype: "float", shape: [4, 1], data: Float32Array.of(0, 9, 0, 9) } as const;
    const scheme = embeddingSkew({ clusters: 2, alpha: 1e9, minimumSize: 1 });
    const context = { key: rootKey(1), classes: 1, clients: 2, features };
    same(scheme.partition(new Uint8Array(4), context).clients.map((rows) => rows.length), [2, 2]);
  });

  it("iid (core/src/data/partitioners/iid.ts)", async () => {
    const { clients } = iid().partition(Uint8Array.of(0, 1, 0, 1), { key: rootKey(1), classes: 2, clients: 2 });
    same(clients.map((rows) => rows.length), [2, 2]);
  });

  it("longTailSizes (core/src/data/partitioners/long-tail-sizes.ts)", async () => {
    same(longTailSizes(3, 100, 0.01), [100, 10, 1]);
    same(longTailSizes(3, 100, 0.01, "step"), [100, 100, 1]);
  });

  it("classGroups (core/src/data/partitioners/long-tail-sizes.ts)", async () => {
    same(classGroups([4, 80, 16]), ["tail", "head", "middle"]);
  });

  it("longTail (core/src/data/partitioners/long-tail.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 2);
    const { clients } = longTail({ imbalance: 0.1 }).partition(labels, { key: rootKey(1), classes: 2, clients: 1 });
    same(clients[0]!.length, 55);
  });

  it("natural (core/src/data/partitioners/natural.ts)", async () => {
    const groups = Int32Array.of(0, 0, 1, 1, 1);
    const scheme = natural({ minimumSize: 1, merge: false });
    const { clients } = scheme.partition(new Uint8Array(5), { key: rootKey(1), classes: 1, clients: 2, groups });
    same(clients.map((rows) => rows.length).sort(), [2, 3]);
  });

  it("quantitySkew (core/src/data/partitioners/quantity-skew.ts)", async () => {
    const labels = new Uint8Array(100);
    const { clients } = quantitySkew({ alpha: 1 }).partition(labels, { key: rootKey(1), classes: 1, clients: 4 });
    same(clients.reduce((total, rows) => total + rows.length, 0), 100);
  });

  it("shards (core/src/data/partitioners/shards.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
    const scheme = shards({ classesPerClient: 2 });
    const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 5 });
    same(new Set([...clients[0]!].map((row) => labels[row])).size, 2);
  });

  it("partitioners (core/src/data/partitioners/table.ts)", async () => {
    same(Object.keys(partitioners), ["iid", "dirichlet", "embedding", "shards", "quantity-skew", "natural", "long-tail"]);
  });

  it("createPartitioner (core/src/data/partitioners/table.ts)", async () => {
    same(createPartitioner("dirichlet", { alpha: 0.3 }).name, "dirichlet");
  });

  it("syntheticPopulation (core/src/data/population.ts)", async () => {
    const population = syntheticPopulation(1, 1000, { shape: [1, 8, 8], classes: 2, examples: 6 }, 20);
    same(population.clients, 1000);
  });

  it("populationStatistics (core/src/data/population.ts)", async () => {
    const population = syntheticPopulation(1, 3, { shape: [1, 8, 8], classes: 2, examples: 6 }, 20);
    same(populationStatistics(population).sizeMedian, 6);
  });

  it("readCifar10 (core/src/data/readers/cifar.ts)", async () => {
    const record = new Uint8Array(3073); // label, then 32 x 32 pixels of three colours
    same(readCifar10([record]).features.shape, [1, 3, 32, 32]);
  });

  it("readCsv (core/src/data/readers/csv.ts)", async () => {
    const file = new TextEncoder().encode("age,site,sick\n61,north,yes\n35,south,no\n");
    const { features, classNames } = readCsv(file, { name: "patients.csv", label: "sick", group: "site" });
    same(features.shape, [2, 1]);
    same(classNames, ["no", "yes"]);
  });

  it("gunzip (core/src/data/readers/gunzip.ts)", async () => {
    const packed = Uint8Array.from(atob("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="), (c) => c.charCodeAt(0));
    same(new TextDecoder().decode(gunzip(packed, "hello.gz")), "hello");
  });

  it("parseIdx (core/src/data/readers/idx.ts)", async () => {
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1);
    same(parseIdx(labels).data, [7, 2, 1]);
  });

  it("readIdx (core/src/data/readers/idx.ts)", async () => {
    const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 5, 6);
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 3);
    same(readIdx(images, labels, { name: "tiny", classes: 10 }).features.data, [5, 6]);
  });

  it("readLeaf (core/src/data/readers/leaf.ts)", async () => {
    const json = { users: ["ann"], num_samples: [2], user_data: { ann: { x: [[0, 1], [1, 0]], y: [3, 5] } } };
    const bytes = new TextEncoder().encode(JSON.stringify(json));
    same(readLeaf([{ path: "all_data.json", bytes }], { name: "digits" }).classNames, ["3", "5"]);
  });

  it("readerLimits (core/src/data/readers/limits.ts)", async () => {
    same(readerLimits.examples > 1e6, true);
  });

  it("requireAtMost (core/src/data/readers/limits.ts)", async () => {
    requireAtMost(100, 50, "rows", "patients.csv"); // throws data/too-large for more than 100
  });

  it("scaleDown (core/src/data/readers/limits.ts)", async () => {
    same(scaleDown.startsWith("Scale the images down"), true);
  });

  it("resizeImage (core/src/data/readers/resize.ts)", async () => {
    const image = { channels: 1, width: 2, height: 1, data: Uint8Array.of(10, 30) } as const;
    same([...resizeImage(image, { width: 1, height: 1 }).data], [20]);
  });

  it("summarizeCsv (core/src/data/readers/summarize-csv.ts)", async () => {
    const file = new TextEncoder().encode("age;sick\n61;yes\n;no\n");
    const { delimiter, rows, columns } = summarizeCsv(file, "patients.csv");
    same([delimiter, rows], [";", 2]);
    same([columns[0]?.isNumeric, columns[0]?.missing], [true, 1]);
  });

  it("readTextBySpeaker (core/src/data/readers/text-by-speaker.ts)", async () => {
    const play = new TextEncoder().encode("ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n");
    same(readTextBySpeaker(play, { name: "play", length: 4 }).groupNames, ["ROMEO", "JULIET"]);
  });

  it("SHIPPED_DATASETS (core/src/data/shipped.ts)", async () => {
    same(Object.keys(SHIPPED_DATASETS).length, 2);
  });

  it("FASHION_MNIST_CLASSES (core/src/data/shipped.ts)", async () => {
    same(FASHION_MNIST_CLASSES[0], "T-shirt/top");
  });

  it("assetUrl (core/src/data/shipped.ts)", async () => {
    same(assetUrl("shakespeare.txt").protocol, "file:");
  });

  it("splitByClass (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
    const { test } = splitByClass(data, 0.2, rootKey(2));
    same(test.labels.data, [0, 1]);
  });

  it("splitAtRandom (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [2], classes: 2, examples: 10 });
    same(exampleCount(splitAtRandom(data, 0.2, rootKey(2)).test), 2);
  });

  it("splitAtRandom (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
    const { train, test } = splitAtRandom(data, 0.2, rootKey(2));
    same([exampleCount(train), exampleCount(test)], [8, 2]);
  });

  it("splitGroupTails (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
    const { train } = splitGroupTails({ ...data, groups: Int32Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1) }, 0.2);
    same(exampleCount(train), 8);
  });

  it("partitionStatistics (core/src/data/statistics.ts)", async () => {
    const partition = { clients: [Int32Array.of(0, 2), Int32Array.of(1, 3)] };
    const { counts, meanLabelDistance } = partitionStatistics(partition, Uint8Array.of(0, 1, 0, 1), 2);
    same(counts, [[2, 0], [0, 2]]);
    same(meanLabelDistance, 0.5);
  });

  it("syntheticDataset (core/src/data/synthetic.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(data.features.shape, [6, 1, 8, 8]);
  });

  it("syntheticKeys (core/src/data/synthetic.ts)", async () => {
    same(Object.keys(syntheticKeys(rootKey(1))), ["client", "prototype"]);
  });

  it("syntheticClient (core/src/data/synthetic.ts)", async () => {
    const client = syntheticClient(syntheticKeys(rootKey(1)), 7, { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(client.features.shape, [6, 1, 8, 8]);
  });

  it("columnGroups (core/src/data/tables/column-groups.ts)", async () => {
    const file = new TextEncoder().encode("age,kind,y\n1,oak,a\n2,elm,b\n");
    same(columnGroups(readCsv(file, { name: "trees.csv", label: "y" }), "kind").groups, [1, 0]);
  });

  it("featureNames (core/src/data/tables/encoding.ts)", async () => {
    const file = new TextEncoder().encode("age,kind,y\n1,oak,a\n2,elm,b\n");
    same(featureNames(readCsv(file, { name: "trees.csv", label: "y" }).table), ["age", "kind = elm", "kind = oak"]);
  });

  it("withStatistics (core/src/data/tables/standardize.ts)", async () => {
    const file = new TextEncoder().encode("age,y\n1,a\n3,b\n");
    const data = readCsv(file, { name: "trees.csv", label: "y" });
    const scaled = standardizeTable(data, withStatistics(data, data.table, { clients: [Int32Array.of(0, 1)] }, {}));
    same([...scaled.features.data], [-1, 1]);
  });

  it("balancedAssignment (core/src/heterogeneity/balanced-assignment.ts)", async () => {
    same(balancedAssignment([[1, 0], [1, 0]], { epsilon: 1, iterations: 3 }), [[0.5, 0.5], [0.5, 0.5]]);
  });

  it("clusteringAccuracy (core/src/heterogeneity/balanced-assignment.ts)", async () => {
    same(clusteringAccuracy([1, 1, 0, 0], [0, 0, 1, 0], 2), 0.75);
  });

  it("statisticsOf (core/src/heterogeneity/class-statistics.ts)", async () => {
    same([...statisticsOf([[1, 2], [3, 4]]).mean], [2, 3]);
  });

  it("pooledStatistics (core/src/heterogeneity/class-statistics.ts)", async () => {
    const { mean, covariance } = pooledStatistics([statisticsOf([[0]]), statisticsOf([[3], [3]])]);
    same(Array.from(mean), [2]);
    same(Array.from(covariance), [2]);
  });

  it("geometryOf (core/src/heterogeneity/class-statistics.ts)", async () => {
    same(geometryOf(statisticsOf([[1, 0], [3, 0]])).variances.length, 2);
  });

  it("confusionSums (core/src/heterogeneity/confusion.ts)", async () => {
    const { sums } = confusionSums(constant([0, 0], [1, 2]), constant([1], [1], "int32"), constant([1], [1]));
    same(evaluate(sums).data, [0, 0.25, 0, 0]);
  });

  it("confusionDirection (core/src/heterogeneity/confusion.ts)", async () => {
    same(Array.from(confusionDirection([0, 1, 0, 0], [2, 2])), [0, 1, 0, 0]);
  });

  it("visiblePart (core/src/heterogeneity/curriculum.ts)", async () => {
    same(visiblePart("linear", 5, { a: 1, b: 0.5, horizon: 10 }), 0.75);
  });

  it("easiestFirst (core/src/heterogeneity/curriculum.ts)", async () => {
    same(easiestFirst([0.9, 0.1, 0.5]), [1, 2, 0]);
  });

  it("visibleExamples (core/src/heterogeneity/curriculum.ts)", async () => {
    same(visibleExamples([3, 1, 2], 0.5, "curriculum"), [1, 2]);
  });

  it("visibleCount (core/src/heterogeneity/curriculum.ts)", async () => {
    same(visibleCount(5, 0.5), 3);
  });

  it("refreshes (core/src/heterogeneity/distilled-images.ts)", async () => {
    same([0, 3, 5, 50].map((round) => refreshes(round)), [true, false, true, false]);
  });

  it("augmentationRamp (core/src/heterogeneity/feature-augmentation.ts)", async () => {
    same(augmentationRamp(0, 10, 1).ramp, 0);
  });

  it("updatedClassMeans (core/src/heterogeneity/feature-augmentation.ts)", async () => {
    same(updatedClassMeans([[0], [1]], [[2], [4]], [0, 0], 0.5), [[1.5], [1]]);
  });

  it("classPrototypes (core/src/heterogeneity/global-header.ts)", async () => {
    same(classPrototypes([[1, 0], [3, 4], [9, 9]], [1, 1, 0], 2), [{ label: 1, count: 2, mean: [2, 2] }]);
  });

  it("trainedHeader (core/src/heterogeneity/global-header.ts)", async () => {
    const head = { weight: constant([0, 0], [2, 1]) };
    const { weight } = trainedHeader(head, [[{ label: 1, count: 5, mean: [2] }]], { learningRate: 0.1 });
    same(evaluate(weight).data, [-0.1, 0.1]);
  });

  it("generatedTensors (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([2], [1, 1]), bias: constant([1], [1]) };
    const maps = { w: { weight: constant([1, 10], [2, 1]), bias: constant([0, 1], [2]) } };
    same(evaluate(generatedTensors({ hidden, maps }, constant([3], [1]), { w: [1, 2] })["w"]!).data, [7, 71]);
  });

  it("headPhase (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
    const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
    const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
    const settings = { learningRate: 0.1, momentum: 0, weightDecay: 0 };
    const next = headPhase(client, { w: [1] }, [({ w }, { p }) => reshape(mul(w!, p!), [])], settings);
    same(evaluate(next.head["p"]!).data, [2.8]);
  });

  it("pulledBack (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
    const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
    const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
    const slopes = pulledBack(client, { w: [1] }, ({ w }, { p }) => reshape(mul(w!, p!), []));
    same(evaluate(slopes.embedding).data, [3]);
  });

  it("generatorPhase (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
    const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
    const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
    const settings = { learningRate: 0.1, momentum: 0, weightDecay: 0, clip: 1 };
    const next = generatorPhase(client, { w: [1] }, [({ w }, { p }) => reshape(mul(w!, p!), [])], settings);
    same(evaluate(next.embedding).data, [1.9]);
  });

  it("activeStages (core/src/heterogeneity/layer-distillation.ts)", async () => {
    same(activeStages(3, { stages: 3, dropEvery: 2, minimumStages: 1 }), [1, 2]);
  });

  it("adjustedLogits (core/src/heterogeneity/logit-adjustment.ts)", async () => {
    const counts = constant([1, Math.E, 0], [3]);
    same(evaluate(adjustedLogits(constant([5, 5, 5], [1, 3]), counts, 1)).data, [5, 6, 5]);
  });

  it("labelCounts (core/src/heterogeneity/logit-adjustment.ts)", async () => {
    same(evaluate(labelCounts(constant([0, 2, 2], [3], "int32"), 3)).data, [1, 0, 2]);
  });

  it("lossWithMargin (core/src/heterogeneity/margin-loss.ts)", async () => {
    const loss = lossWithMargin(constant([0, 0], [1, 2]), constant([0], [1], "int32"), 1);
    same(evaluate(loss).data, [1.09861]);
  });

  it("marginPenalty (core/src/heterogeneity/margin-loss.ts)", async () => {
    const logits = constant([0, 0, 5, 9], [2, 2]);
    same(evaluate(marginPenalty(logits, 1, constant([1, 0], [2]))).data, [0.40547]);
  });

  it("normalisedAdjacency (core/src/heterogeneity/masked-graph-network.ts)", async () => {
    same(Array.from(normalisedAdjacency([[0, 3], [3, 0]])), [0.25, 0.75, 0.75, 0.25]);
  });

  it("prunedMask (core/src/heterogeneity/masked-graph-network.ts)", async () => {
    same(prunedMask(Float64Array.of(0.9, -0.1, 0.4), 0.3), [0.9, 0, 0.4]);
  });

  it("partnersOf (core/src/heterogeneity/open-world.ts)", async () => {
    same(partnersOf([[1, 0], [0, 1], [1, 0.1]], []), [2, 2, 0]);
  });

  it("adaptiveMargin (core/src/heterogeneity/open-world.ts)", async () => {
    same([0.2, 0.9].map((uncertainty) => adaptiveMargin(uncertainty, 2)), [0.4, 1]);
  });

  it("classWeights (core/src/heterogeneity/open-world.ts)", async () => {
    same(classWeights([10, 5], 0.25), [1, 0.5]);
  });

  it("emptyBasis (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    same(emptyBasis(3).rank, 0);
  });

  it("projectorOf (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    same(projectorOf({ inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) }), [1, 0, 0, 0]);
  });

  it("newInputs (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    const basis = { inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) };
    same(newInputs(basis, { rows: 2, columns: 1, values: Float64Array.of(3, 4) }).values, [0, 4]);
  });

  it("projectedUpdate (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    const basis = { inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) };
    same(Array.from(projectedUpdate(basis, { rows: 1, columns: 2, values: Float64Array.of(5, 7) }).values), [0, 7]);
  });

  it("detachedHeadLosses (core/src/heterogeneity/realignment.ts)", async () => {
    const zero = { weight: constant([0, 0], [2, 1]) };
    const heads = { fixed: zero, shared: zero, own: zero };
    const { features } = detachedHeadLosses(constant([3], [1, 1]), constant([1], [1], "int32"), heads);
    same(evaluate(features).data, [0.69315]);
  });

  it("realignedWeight (core/src/heterogeneity/realignment.ts)", async () => {
    same(evaluate(realignedWeight(constant([3, 4, 0, 0], [2, 2]), 10)).data, [6, 8, 0, 0]);
  });

  it("realignedLogits (core/src/heterogeneity/realignment.ts)", async () => {
    const [own, shared] = [{ weight: constant([2, 1], [2, 1]) }, { weight: constant([5, 5], [2, 1]) }];
    same(evaluate(realignedLogits(constant([1], [1, 1]), own, shared, [8, 3])).data, [12, 6]);
  });

  it("fuseKnowledge (core/src/heterogeneity/soft-labels.ts)", async () => {
    same(fuseKnowledge([[[1, 0]], [[0.5, 0.5]]], 0).fused[0], [[0.75, 0.25]]);
  });

  it("sparseClassifier (core/src/heterogeneity/sparse-classifier.ts)", async () => {
    const fit = { sparsity: 0, radius: 1, steps: 0, learningRate: 0 };
    const [a, b, c, d] = sparseClassifier(2, 2, fit, rootKey(1));
    same(a! * b! + c! * d!, -1);
  });

  it("simplexFrame (core/src/heterogeneity/static-classifier.ts)", async () => {
    same(evaluate(simplexFrame(constant([1, 0, 0, 1], [2, 2]))).data, [0.70711, -0.70711, -0.70711, 0.70711]);
  });

  it("classifierObjective (core/src/heterogeneity/static-classifier.ts)", async () => {
    const axes = constant([1, 0, 0, 1], [2, 2]);
    same(evaluate(classifierObjective(axes, constant([1, 1, 1, 1], [2, 2]), 1)).data, [-1.5708]);
  });

  it("staticClassifier (core/src/heterogeneity/static-classifier.ts)", async () => {
    const support = constant([1, 0, 0, 1], [2, 2]);
    const fit = { radius: 1, steps: 0, learningRate: 0.01 };
    same(evaluate(staticClassifier(constant([1, 2, 3, 4], [2, 2]), support, fit)).data, [1, 0, 0, 4]);
  });

  it("harderExamples (core/src/heterogeneity/up-sampling.ts)", async () => {
    same(harderExamples([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], [0, 0, 0], 2), [2]);
  });

  it("answerError (core/src/live/answer-error.ts)", async () => {
    const error = answerError(404, { message: "no such run" }, "https://example.org");
    same(error.code, "live/not-found");
  });

  it("toBase64 (core/src/live/base64.ts)", async () => {
    same(toBase64(Uint8Array.of(1, 2, 3)), "AQID");
  });

  it("fromBase64 (core/src/live/base64.ts)", async () => {
    same(fromBase64("AQID"), [1, 2, 3]);
    same(fromBase64("no base64!"), undefined);
  });

  it("USUAL_LIMITS (core/src/live/client-limits.ts)", async () => {
    same(USUAL_LIMITS.rounds, 10000);
  });

  it("contentHashOf (core/src/live/content-hash.ts)", async () => {
    same((await contentHashOf(Uint8Array.of(1, 2, 3))).slice(0, 8), "039058c6");
  });

  it("blobName (core/src/live/content-hash.ts)", async () => {
    same(blobName("039058c6"), "blobs/039058c6");
  });

  it("LIVE_VERSION (core/src/live/control.ts)", async () => {
    same(LIVE_VERSION, 1);
  });

  it("CONTROL_BYTES (core/src/live/control.ts)", async () => {
    same(CONTROL_BYTES, 65536);
  });

  it("contentHash (core/src/live/control.ts)", async () => {
    same(contentHash.safeParse("0".repeat(64)).success, true);
  });

  it("orderId (core/src/live/control.ts)", async () => {
    same(orderId.safeParse("3/17/0").success, true);
  });

  it("messageId (core/src/live/control.ts)", async () => {
    same(messageId.safeParse("3/17/not-a-hash").success, false);
  });

  it("uploadId (core/src/live/control.ts)", async () => {
    same(uploadId.safeParse("3/17/0").success, true);
  });

  it("clientMessage (core/src/live/control.ts)", async () => {
    same(clientMessage.safeParse({ type: "unknown" }).success, false);
  });

  it("serverMessage (core/src/live/control.ts)", async () => {
    same(serverMessage.safeParse({ type: "unknown" }).success, false);
  });

  it("proofText (core/src/live/control.ts)", async () => {
    same(proofText("k3f9a2", "nonce", "https://example.org").length > 20, true);
  });

  it("uploadAnswer (core/src/live/control.ts)", async () => {
    same(uploadAnswer.safeParse({ status: "accepted", hash: "0".repeat(64) }).success, true);
  });

  it("advanceVersion (core/src/live/newest-version.ts)", async () => {
    same(advanceVersion({ version: 4, broadcast: "a1" }, 9, "b2"), "gap");
  });

  it("secureRecord (core/src/live/secure-record.ts)", async () => {
    same(secureRecord.safeParse({}).success, false);
  });

  it("taskDescription (core/src/live/task-description.ts)", async () => {
    same(taskDescription.safeParse({}).success, false);
  });

  it("MOST_UPLOAD_PARTS (core/src/live/upload-requests.ts)", async () => {
    same(MOST_UPLOAD_PARTS, 64);
  });

  it("uploadUrl (core/src/live/upload-requests.ts)", async () => {
    const sending = { url: "/uploads/1", bytes: new Uint8Array(8), hash: "ab" };
    same(uploadUrl(sending, 4), "/uploads/1?offset=4&total=8&hash=ab");
  });

  it("readUploadProgress (core/src/live/upload-requests.ts)", async () => {
    const sending = { url: "/uploads/1", bytes: new Uint8Array(8), hash: "ab" };
    same(readUploadProgress(200, { offset: 4 }, sending), { offset: 4 });
  });

  it("WITHHELD (core/src/live/withheld.ts)", async () => {
    same(WITHHELD.examples, 0);
  });

  it("groupFairness (core/src/metrics/fairness/group-metrics.ts)", async () => {
    const fair = groupFairness({
      ...{ clients: [0, 0, 0, 0], clientCount: 1, groups: [0, 0, 1, 1], groupCount: 2 },
      ...{ labels: [0, 1, 0, 1], predictions: [0, 0, 1, 1], classes: 2 },
    });
    same(fair.disparity.global, 1);
    same(fair.accuracy, 0.5);
  });

  it("charTransformerOptions (core/src/models/char-transformer.ts)", async () => {
    same(charTransformerOptions.parse({}).depth, 4);
  });

  it("charTransformer (core/src/models/char-transformer.ts)", async () => {
    same(nn.countParameters(charTransformer({ input: [64], inputType: "uint8", classes: 96 }).parameters), 826208);
  });

  it("cnn28Options (core/src/models/cnn-28x28.ts)", async () => {
    same(cnn28Options.parse({}).hidden, 512);
  });

  it("cnn28x28 (core/src/models/cnn-28x28.ts)", async () => {
    same(nn.countParameters(cnn28x28().parameters), 1663370);
  });

  it("cnnCifarOptions (core/src/models/cnn-cifar.ts)", async () => {
    same(cnnCifarOptions.parse({}).channels, [32, 64]);
  });

  it("cnnCifar (core/src/models/cnn-cifar.ts)", async () => {
    same(nn.countParameters(cnnCifar({ input: [3, 32, 32] }).parameters), 1626442);
  });

  it("exportOnnx (core/src/models/export-onnx.ts)", async () => {
    const model = logistic({ input: [4], inputType: "float", classes: 2 });
    const values = { "linear.weight": new Float32Array(8), "linear.bias": new Float32Array(2) };
    same(exportOnnx(model, values, { author: "me" }).length > 100, true);
  });

  it("lenet5Options (core/src/models/lenet5.ts)", async () => {
    same(lenet5Options.parse({}).std, [0.5]);
  });

  it("lenet5 (core/src/models/lenet5.ts)", async () => {
    same(nn.countParameters(lenet5({ input: [3, 32, 32] }).parameters), 797962);
  });

  it("linear (core/src/models/linear.ts)", async () => {
    same(linear({ input: [3], inputType: "float" }).parameters.map(({ shape }) => shape), [[3, 1], [1]]);
  });

  it("logisticOptions (core/src/models/logistic.ts)", async () => {
    same(logisticOptions.parse({}).classes, 10);
  });

  it("logistic (core/src/models/logistic.ts)", async () => {
    same(nn.countParameters(logistic({ input: [784], classes: 10 }).parameters), 7850);
  });

  it("adapterOptions (core/src/models/low-rank-adapters.ts)", async () => {
    same(adapterOptions.parse({ rank: 4 }).targets, []);
  });

  it("withAdapters (core/src/models/low-rank-adapters.ts)", async () => {
    const model = withAdapters(mlp({ input: [4], hidden: [8], classes: 2 }), { rank: 2, targets: "dense1" });
    same(model.adapters?.pairs.map(({ a }) => a), ["dense1.weight.lora.a"]);
  });

  it("frozenBase (core/src/models/low-rank-adapters.ts)", async () => {
    same(frozenBase(withAdapters(mlp({ input: [4], hidden: [], classes: 2 }), { rank: 1 })), ["dense1.weight", "dense1.bias"]);
  });

  it("mergeAdapters (core/src/models/merge-adapters.ts)", async () => {
    const model = withAdapters(logistic({ input: [1], classes: 2 }), { rank: 1 });
    // linear.bias [2], linear.weight [1, 2], its A [1, 1] and B [1, 2]; alpha / rank is 2
    const values = Float32Array.of(0, 0, 1, 1, 3, 4, 5);
    same(mergeAdapters(model.adapters!, layout(model.parameters), values).values, [0, 0, 25, 31]);
  });

  it("mlpOptions (core/src/models/mlp.ts)", async () => {
    same(mlpOptions.parse({}).hidden, [200]);
  });

  it("mlp (core/src/models/mlp.ts)", async () => {
    const { parameters } = mlp({ input: [784], hidden: [200], classes: 10 });
    same(nn.countParameters(parameters), 159010);
  });

  it("classification (core/src/models/model.ts)", async () => {
    const { classes } = classification(10);
    same(classes, 10);
  });

  it("regression (core/src/models/model.ts)", async () => {
    same(regression().classes, 1);
  });

  it("isRegression (core/src/models/model.ts)", async () => {
    const model = logistic({ input: [4], classes: 2 });
    same(isRegression(model), false);
  });

  it("singleLabelClasses (core/src/models/model.ts)", async () => {
    same(singleLabelClasses(logistic({ input: [4], classes: 2 })), 2);
  });

  it("quadraticOptions (core/src/models/quadratic.ts)", async () => {
    same(quadraticOptions.safeParse({ unknown: 1 }).success, false);
  });

  it("quadratic (core/src/models/quadratic.ts)", async () => {
    same(nn.countParameters(quadratic({ input: [4] }).parameters), 2);
  });

  it("models (core/src/models/registry.ts)", async () => {
    same(Object.keys(models).includes("mlp"), true);
  });

  it("modelOptions (core/src/models/registry.ts)", async () => {
    same(modelOptions.mlp.parse({}).hidden, [200]);
  });

  it("createModel (core/src/models/registry.ts)", async () => {
    const features = { dtype: "float", shape: [8, 4] } as const;
    const data = { features, labels: { dtype: "uint8", shape: [8] }, classes: 2 } as const;
    same(createModel("mlp", data, { hidden: [16] }).parameters.length, 4);
  });

  it("resnetOptions (core/src/models/resnet.ts)", async () => {
    same(resnetOptions.parse({}).groups, 2);
  });

  it("resnet8 (core/src/models/resnet.ts)", async () => {
    same(nn.countParameters(resnet8({ input: [3, 32, 32] }).parameters), 78042);
  });

  it("resnet10 (core/src/models/resnet.ts)", async () => {
    same(nn.countParameters(resnet10({ input: [3, 32, 32] }).parameters), 4903242);
  });

  it("resnet18 (core/src/models/resnet.ts)", async () => {
    same(nn.countParameters(resnet18({ input: [3, 32, 32] }).parameters), 11173962);
  });

  it("vitOptions (core/src/models/vit.ts)", async () => {
    same(vitOptions.parse({}).patch, 4);
  });

  it("vit (core/src/models/vit.ts)", async () => {
    same(nn.countParameters(vit({ input: [3, 32, 32] }).parameters), 207946);
  });

  it("compressedDescent (core/src/operators/descent.ts)", async () => {
    const device = affineOperator([[1, 0], [0, 1]], [0, 0]);
    const options = { feedback: "ef14", k: 1, stepSize: 0.5, steps: 1 } as const;
    same(compressedDescent([device], Float64Array.of(4, 2), options), [[2, 2]]);
  });

  it("affineOperator (core/src/operators/device-operator.ts)", async () => {
    same(affineOperator([[0, 1], [-1, 0]], [1, 2])(Float64Array.of(3, 4)), [5, -1]);
  });

  it("masha (core/src/operators/masha.ts)", async () => {
    const game = affineOperator([[0.1, 1], [-1, 0.1]], [0, 0]);
    const options = { variant: 2, k: 1, stepSize: 0.2, steps: 500 } as const;
    const steps = masha([game], Float64Array.of(1, 1), options, mashaDraws(rootKey(1), 2, 1));
    same(Math.hypot(...steps.at(-1)!.z) < 1e-3, true);
  });

  it("mashaDraws (core/src/operators/masha.ts)", async () => {
    same(mashaDraws(rootKey(1), 8, 8).moves(0), true);
  });

  it("initialParameters (core/src/params/initialize.ts)", async () => {
    const { parameters } = logistic({ input: [4], classes: 2 });
    same(initialParameters(parameters, rootKey(1)).length, 10);
  });

  it("layout (core/src/params/layout.ts)", async () => {
    const { size, entries } = layout([
      { name: "output.weight", shape: [2, 3], role: "matrix", block: "output" },
      { name: "output.bias", shape: [3], role: "vector", block: "output" },
    ]);
    same(size, 9);
    same(entries.map(({ name, offset }) => `${name} at ${offset}`), ["output.bias at 0", "output.weight at 3"]);
  });

  it("subLayout (core/src/params/layout.ts)", async () => {
    const whole = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
    const first = subLayout(whole, ({ block }) => block === "dense1");
    same(first.entries.map(({ name }) => name), ["dense1.bias", "dense1.weight"]);
  });

  it("entryView (core/src/params/layout.ts)", async () => {
    const { entries, size } = layout(logistic({ input: [4], classes: 2 }).parameters);
    const vector = Float32Array.from({ length: size }, (_, i) => i);
    same(entryView(vector, entries[0]!), [0, 1]);
  });

  it("entryTypes (core/src/params/layout.ts)", async () => {
    const types = entryTypes(layout(logistic({ input: [4], classes: 2 }).parameters));
    same(types["linear.bias"], { dtype: "float", shape: [2] });
  });

  it("requireLayout (core/src/params/layout.ts)", async () => {
    const { hash } = layout(logistic({ input: [4], classes: 2 }).parameters);
    requireLayout(hash, hash, "checkpoint"); // throws params/layout for another hash
  });

  it("splitParameters (core/src/params/standing.ts)", async () => {
    const model = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
    const { shared, personal } = splitParameters(model, { personal: ["head"] });
    same(personal.entries.map(({ name }) => name), ["dense2.bias", "dense2.weight"]);
    same(shared.size, 40);
  });

  it("joinParameters (core/src/params/standing.ts)", async () => {
    const model = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
    const split = splitParameters(model, { personal: ["linear.bias"] });
    const held = { split, personal: Float32Array.of(1, 2), frozen: new Float32Array(0) };
    same(joinParameters(held, Float32Array.of(3, 4)), [1, 2, 3, 4]);
  });

  it("partOf (core/src/params/standing.ts)", async () => {
    const whole = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
    const weights = subLayout(whole, ({ name }) => name === "linear.weight");
    same(partOf(whole, Float32Array.of(1, 2, 3, 4), weights), [3, 4]);
  });

  it("heldOf (core/src/params/standing.ts)", async () => {
    const model = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
    const split = splitParameters(model, { frozen: ["linear.bias"] });
    same(heldOf(split, Float32Array.of(1, 2, 3, 4))!.frozen, [1, 2]);
  });

  it("isVector (core/src/params/vector.ts)", async () => {
    same(isVector(Float32Array.of(1)), true);
    same(isVector([1]), false);
  });

  it("zerosLike (core/src/params/vector.ts)", async () => {
    same(zerosLike(Float32Array.of(1, 2)), [0, 0]);
  });

  it("copy (core/src/params/vector.ts)", async () => {
    const a = Float32Array.of(1, 2);
    const b = copy(a);
    b[0] = 5;
    same(a, [1, 2]);
  });

  it("norm2 (core/src/params/vector.ts)", async () => {
    same(norm2(Float32Array.of(3, 4)), 5);
  });

  it("dot (core/src/params/vector.ts)", async () => {
    same(dot([1, 2], [3, 4]), 11);
  });

  it("distance (core/src/params/vector.ts)", async () => {
    same(distance(Float32Array.of(1, 1), Float32Array.of(4, 5)), 5);
  });

  it("isFiniteVector (core/src/params/vector.ts)", async () => {
    same(isFiniteVector(Float32Array.of(1, Number.NaN)), false);
  });

  it("hashVector (core/src/params/vector.ts)", async () => {
    same(hashVector(Float32Array.of(1, 2)).length, 16);
  });

  it("hasVersionBefore (core/src/pipeline/broadcast-compression.ts)", async () => {
    same(hasVersionBefore(3, { "compression/down/version": Float32Array.of(2) }), true);
  });

  it("boundText (core/src/privacy/accounting/bound-text.ts)", async () => {
    same(boundText(7.9461), "7.947");
  });

  it("NOISE_TOLERANCE (core/src/privacy/accounting/calibration.ts)", async () => {
    same(NOISE_TOLERANCE, 0.0001);
  });

  it("calibrateNoise (core/src/privacy/accounting/calibration.ts)", async () => {
    const target = { accountant: rdpAccountant(), targetEpsilon: 8, delta: 1e-3 };
    const { noiseMultiplier } = calibrateNoise(target, (noise) => [
      { kind: "poisson-gaussian", noiseMultiplier: noise, samplingRate: 0.1, count: 10 },
    ]);
    same(noiseMultiplier, 0.54456);
  });

  it("calibrateRounds (core/src/privacy/accounting/calibration.ts)", async () => {
    const target = { accountant: rdpAccountant(), targetEpsilon: 8, delta: 1e-3 };
    const event = { kind: "poisson-gaussian", noiseMultiplier: 1, samplingRate: 0.1 } as const;
    same(calibrateRounds(target, (rounds) => (rounds === 0 ? [] : [occurring(event, rounds)])).rounds, 192);
  });

  it("accountantNames (core/src/privacy/accounting/create-accountant.ts)", async () => {
    same(accountantNames, ["rdp", "pld", "gaussian"]);
  });

  it("createAccountant (core/src/privacy/accounting/create-accountant.ts)", async () => {
    const accountant = createAccountant("pld");
    const event = { kind: "poisson-gaussian", noiseMultiplier: 1, samplingRate: 0.1, count: 100 } as const;
    same(accountant.epsilon([event], 1e-5).epsilon < 10, true);
  });

  it("privacyEventSchema (core/src/privacy/accounting/events.ts)", async () => {
    same(privacyEventSchema.safeParse({ kind: "gaussian", noiseMultiplier: -1 }).success, false);
  });

  it("occurring (core/src/privacy/accounting/events.ts)", async () => {
    same(occurring({ kind: "gaussian", noiseMultiplier: 4 }, 30).count, 30);
  });

  it("groupEvents (core/src/privacy/accounting/events.ts)", async () => {
    const event = { kind: "gaussian", noiseMultiplier: 4 } as const;
    same(groupEvents([event, event, event])[0]!.count, 3);
  });

  it("gaussianAccountant (core/src/privacy/accounting/exact-accountant.ts)", async () => {
    const { epsilon } = gaussianAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
    same(epsilon, 3.3414);
  });

  it("gaussianDelta (core/src/privacy/accounting/gaussian.ts)", async () => {
    same(gaussianDelta(1, 1), 0.12694);
  });

  it("gaussianEpsilon (core/src/privacy/accounting/gaussian.ts)", async () => {
    same(gaussianEpsilon(1, 1e-5), 4.3772);
  });

  it("emptyLedger (core/src/privacy/accounting/ledger.ts)", async () => {
    same(emptyLedger.events, []);
  });

  it("spend (core/src/privacy/accounting/ledger.ts)", async () => {
    const event = { kind: "gaussian", noiseMultiplier: 4 } as const;
    same(spend(emptyLedger, event, event).events.map(({ count }) => count), [2]);
  });

  it("parseLedger (core/src/privacy/accounting/ledger.ts)", async () => {
    const ledger = spend(emptyLedger, { kind: "gaussian", noiseMultiplier: 4 });
    same(parseLedger(JSON.parse(JSON.stringify(ledger))).events.length, 1);
  });

  it("pldAccountant (core/src/privacy/accounting/pld-accountant.ts)", async () => {
    const { epsilon } = pldAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
    same(epsilon, 3.3414);
  });

  it("rdpAccountant (core/src/privacy/accounting/rdp-accountant.ts)", async () => {
    const { epsilon } = rdpAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
    same(epsilon, 3.6171);
  });

  it("integerOrders (core/src/privacy/accounting/rdp-conversion.ts)", async () => {
    same(integerOrders.length > 10, true);
  });

  it("fractionalOrders (core/src/privacy/accounting/rdp-conversion.ts)", async () => {
    same(fractionalOrders.length > 10, true);
  });

  it("renyiDivergences (core/src/privacy/accounting/rdp-curve.ts)", async () => {
    const event = { kind: "gaussian", noiseMultiplier: 1, adjacency: "add-or-remove", count: 1 } as const;
    const divergences = renyiDivergences(event, [2, 4]);
    same(divergences, [1, 2]);
  });

  it("PRIVACY_RECORD (core/src/privacy/accounting/record.ts)", async () => {
    same(PRIVACY_RECORD, "privacyRecord");
  });

  it("parsePrivacyRecord (core/src/privacy/accounting/record.ts)", async () => {
    same(parsePrivacyRecord({}), undefined);
  });

  it("paddedSize (core/src/privacy/integers/rotation.ts)", async () => {
    same(paddedSize(100), 128);
  });

  it("nextClipNorm (core/src/privacy/mechanisms/adaptive-clip.ts)", async () => {
    // 90 % of the updates were within the norm, the target is 50 %: the norm shrinks
    same(nextClipNorm(1, 0.4, { targetQuantile: 0.5, rate: 0.2, countNoise: 1 }), 0.92312);
  });

  it("updateNoiseMultiplier (core/src/privacy/mechanisms/adaptive-clip.ts)", async () => {
    same(updateNoiseMultiplier(1, 5), 1.005);
  });

  it("jointNorm (core/src/privacy/mechanisms/clip.ts)", async () => {
    same(jointNorm({ delta: Float32Array.of(3), control: Float32Array.of(4) }), 5);
  });

  it("clipUpdate (core/src/privacy/mechanisms/clip.ts)", async () => {
    const update = { delta: Float32Array.of(3, 4) };
    const delta = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
    same(clipUpdate(update, { delta }, 1, "flat"), false);
    same(update.delta, [0.6, 0.8]);
  });

  it("layerBounds (core/src/privacy/mechanisms/clip.ts)", async () => {
    same(layerBounds([4, 4], 1, "per-layer"), [0.70711, 0.70711]);
  });

  it("discreteGaussianSampler (core/src/privacy/mechanisms/discrete-gaussian-sampler.ts)", async () => {
    const draw = discreteGaussianSampler(4);
    same(Number.isInteger(draw(randomStream(rootKey(1)))), true);
  });

  it("noisePath (core/src/privacy/mechanisms/gaussian.ts)", async () => {
    same(noisePath(3, "delta"), ["privacy-noise", 3, "delta"]);
  });

  it("addGaussian (core/src/privacy/mechanisms/gaussian.ts)", async () => {
    const vector = new Float64Array(1000);
    addGaussian(vector, 2, randomStream(rootKey(1)));
    same(Math.abs(norm2(vector) / Math.sqrt(1000) - 2) < 0.2, true);
  });

  it("CLIP_NORM (core/src/privacy/mechanisms/settings.ts)", async () => {
    same(CLIP_NORM, "clipNorm");
  });

  it("UNCLIPPED (core/src/privacy/mechanisms/settings.ts)", async () => {
    same(UNCLIPPED, "unclipped");
  });

  it("skellamSampler (core/src/privacy/mechanisms/skellam.ts)", async () => {
    const draw = skellamSampler(4);
    same(Number.isInteger(draw(randomStream(rootKey(1)))), true);
  });

  it("identityPublicKey (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    same(identityPublicKey(secureEntropy().bytes(32)).length, 32);
  });

  it("bestCurves (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    const curves = await bestCurves();
    const [a, b] = [secureEntropy().bytes(32), secureEntropy().bytes(32)];
    const one = await curves.sharedSecret(a, await curves.publicKey(b));
    const other = await curves.sharedSecret(b, await curves.publicKey(a));
    same(toBase64(one) === toBase64(other), true);
  });

  it("portableCurves (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    const secret = secureEntropy().bytes(32);
    same((await portableCurves().publicKey(secret)).length, 32);
  });

  it("platformCurves (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    same(platformCurves().name, "platform");
  });

  it("secureEntropy (core/src/privacy/secure-aggregation/entropy.ts)", async () => {
    same(secureEntropy().bytes(16).length, 16);
  });

  it("seededEntropy (core/src/privacy/secure-aggregation/entropy.ts)", async () => {
    same(seededEntropy(rootKey(1)).kind, "seeded");
  });

  it("addMasks (core/src/privacy/secure-aggregation/keystream.ts)", async () => {
    const vector = Int32Array.of(1, 2, 3, 4);
    const key = new Uint8Array(16).fill(7);
    await addMasks(vector, [{ key, sign: 1 }]);
    await addMasks(vector, [{ key, sign: -1 }]);
    same(vector, [1, 2, 3, 4]);
  });

  it("completeThreshold (core/src/privacy/secure-aggregation/parameters.ts)", async () => {
    same(completeThreshold(10), 7);
  });

  it("chooseGraph (core/src/privacy/secure-aggregation/parameters.ts)", async () => {
    const { degree, threshold } = chooseGraph({ clients: 100, corrupted: 0.1, dropped: 0.1 });
    same(threshold < degree, true);
  });

  it("codedParameters (core/src/privacy/secure-aggregation/parameters.ts)", async () => {
    same(codedParameters(10, 0.5), { threshold: 8, privacy: 5 });
  });

  it("plain (core/src/privacy/secure-aggregation/plain-protocol.ts)", async () => {
    const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
    const outcome = await plain({ clock: () => performance.now() }).sum(request);
    same("sum" in outcome && outcome.sum, [3, 30]);
  });

  it("protocolNames (core/src/privacy/secure-aggregation/protocol.ts)", async () => {
    same(protocolNames, ["plain", "bonawitz", "secagg+", "lightsecagg"]);
  });

  it("bytesPerClient (core/src/privacy/secure-aggregation/protocol.ts)", async () => {
    const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
    const { cost } = await plain({ clock: () => performance.now() }).sum(request);
    same(bytesPerClient(cost), { up: 1, down: 0 });
  });

  it("bonawitz (core/src/privacy/secure-aggregation/protocols.ts)", async () => {
    const entropy = (round: number, client = -1) => seededEntropy(deriveKey(rootKey(1), round, client + 1));
    const ports = {
      run: new Uint8Array(16),
      serverEntropy: (round: number) => entropy(round),
      clientEntropy: entropy,
      curves: portableCurves(),
      clock: () => performance.now(),
    };
    const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
    const outcome = await bonawitz(ports).sum(request); // the server sees no single vector
    same("sum" in outcome && outcome.sum, [3, 30]);
  });

  it("levels (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    same(levels({ range: 1, bits: 16, maxWeight: 1, rounding: "nearest" }), 65535);
  });

  it("modulusBits (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    same(modulusBits(100, 2 ** 16 - 1), 23);
  });

  it("quantize (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    const rule = { range: 1, bits: 16, maxWeight: 1, rounding: "nearest" } as const;
    same(quantize([0, 0.5], 1, rule, randomStream(rootKey(1))).length, 3);
  });

  it("dequantizeMean (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    const rule = { range: 1, bits: 16, maxWeight: 1, rounding: "nearest" } as const;
    const sum = quantize([0, 0.5], 1, rule, randomStream(rootKey(1))); // of one client
    same(dequantizeMean(sum, 1, rule).mean, [1.5259e-05, 0.49999]);
  });

  it("hiddenMedian (core/src/privacy/secure-aggregation/weiszfeld.ts)", async () => {
    const updates = [0, 0.1, 7].map((value, client) => ({ client, update: [value], weight: 1 }));
    const found = await hiddenMedian(plain({ clock: () => performance.now() }), updates, {
      iterations: 20,
      smoothing: 0.1,
      quantization: { range: 8, bits: 20, maxWeight: 1, rounding: "nearest" },
      firstRound: 1,
      rounding: (pass, client) => randomStream(deriveKey(rootKey(1), pass, client)),
    });
    same("estimate" in found && found.estimate[0]! < 0.2, true);
  });

  it("ownWeight (core/src/privacy/secure-aggregation/weiszfeld.ts)", async () => {
    same(ownWeight({ update: [3, 4], weight: 1 }, Float64Array.of(0, 0), 1), 0.2);
  });

  it("MESSAGE_VERSION (core/src/protocol/message-read.ts)", async () => {
    same(typeof MESSAGE_VERSION, "string");
  });

  it("encodeBroadcast (core/src/protocol/message.ts)", async () => {
    const vectors = { parameters: Float32Array.of(1, 2) };
    const file = encodeBroadcast({ round: 3, vectors, scalars: { clipNorm: 1 } });
    same(decodeBroadcast(file).scalars, { clipNorm: 1 });
  });

  it("encodeUpdate (core/src/protocol/message.ts)", async () => {
    const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
    const vectors = { delta: Float32Array.of(1, 2) };
    const file = encodeUpdate({ round: 3, client: 7, layoutHash: "0", vectors, public: metadata });
    same(decodeUpdate(file).client, 7);
  });

  it("encodedSize (core/src/protocol/message.ts)", async () => {
    const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
    same(encodedSize(message) === encodeBroadcast(message).length, true);
  });

  it("vectorOffsets (core/src/protocol/message.ts)", async () => {
    const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
    same(Object.keys(vectorOffsets(message)), ["parameters"]);
  });

  it("encodeInto (core/src/protocol/message.ts)", async () => {
    const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
    same(encodeInto(message, new Uint8Array(encodedSize(message) + 8), 8) > 0, true);
  });

  it("decodeBroadcast (core/src/protocol/message.ts)", async () => {
    const file = encodeBroadcast({ round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} });
    same(decodeBroadcast(file).vectors["parameters"], [1, 2]);
  });

  it("decodeUpdate (core/src/protocol/message.ts)", async () => {
    const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
    const vectors = { delta: Float32Array.of(1, 2) };
    const file = encodeUpdate({ round: 3, client: 7, layoutHash: "0", vectors, public: metadata });
    same(decodeUpdate(file).public.steps, 4);
  });

  it("decodeSafetensors (core/src/protocol/safetensors-read.ts)", async () => {
    const file = encodeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
    const { tensors } = decodeSafetensors(file, "example"); // views, nothing is copied
    same(tensors["w"]!.shape, [2]);
  });

  it("encodeSafetensors (core/src/protocol/safetensors-write.ts)", async () => {
    const file = encodeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
    same(decodeSafetensors(file, "example").tensors["w"]!.data, [1, 2]);
  });

  it("encodeSealed (core/src/protocol/sealed.ts)", async () => {
    const kind = { kind: "checkpoint", version: "1" };
    const file = encodeSealed(kind, { x: { shape: [1], data: Float64Array.of(3) } }, { round: "7" });
    same(decodeSealed(kind, file, "example").metadata["round"], "7");
  });

  it("decodeSealed (core/src/protocol/sealed.ts)", async () => {
    const kind = { kind: "checkpoint", version: "1" };
    const file = encodeSealed(kind, {}, { round: "7" });
    same(decodeSealed(kind, file, "example").metadata["round"], "7");
  });

  it("TASK_KEYS (core/src/protocol/stage.ts)", async () => {
    same(TASK_KEYS.length > 0, true);
  });

  it("taskKeys (core/src/protocol/stage.ts)", async () => {
    same(typeof taskKeys(rootKey(1), TASK_KEYS, 3), "function");
  });

  it("withMetadata (core/src/protocol/stage.ts)", async () => {
    const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
    const update = { round: 3, client: 7, layoutHash: "0", vectors: {}, public: metadata };
    same(withMetadata(update, { weight: 1 }).public.weight, 1);
  });

  it("bernoulliBits (core/src/random/bernoulli.ts)", async () => {
    same(bernoulliBits(randomStream(rootKey(1)), 16, 0.5).length, 2);
  });

  it("signWords (core/src/random/directions.ts)", async () => {
    same(signWords(rootKey(1), 40).length, 2);
  });

  it("countOnes (core/src/random/directions.ts)", async () => {
    same(countOnes(rootKey(1), 3).length, 3);
  });

  it("addDirection (core/src/random/directions.ts)", async () => {
    const sum = new Float64Array(4);
    addDirection(sum, 2, "rademacher", rootKey(1));
    same([...sum].map(Math.abs), [2, 2, 2, 2]);
  });

  it("dirichlet (core/src/random/distributions.ts)", async () => {
    const shares = dirichlet(randomStream(rootKey(1)), [1, 1, 1]);
    same(shares.reduce((a, b) => a + b), 1);
  });

  it("symmetricDirichlet (core/src/random/distributions.ts)", async () => {
    same(symmetricDirichlet(randomStream(rootKey(1)), 0.5, 4).length, 4);
  });

  it("rootKey (core/src/random/key.ts)", async () => {
    const first = randomStream(rootKey(7)).uint32(); // the seed of a run decides every draw
    same(first === randomStream(rootKey(7)).uint32(), true);
  });

  it("deriveKey (core/src/random/key.ts)", async () => {
    const cohort = deriveKey(rootKey(7), "cohort", 3); // one key per purpose and round
    same(deriveKey(rootKey(7), "cohort", 4).join() === cohort.join(), false);
  });

  it("secureStream (core/src/random/secure-stream.ts)", async () => {
    const word = secureStream().uint32(); // from the operating system, never repeatable
    same(word >= 0 && word < 2 ** 32, true);
  });

  it("shuffle (core/src/random/shuffle.ts)", async () => {
    const rows = Int32Array.of(1, 2, 3, 4);
    shuffle(randomStream(rootKey(1)), rows);
    same(rows, [2, 1, 4, 3]);
  });

  it("permutation (core/src/random/shuffle.ts)", async () => {
    same(permutation(randomStream(rootKey(1)), 5), [2, 4, 0, 1, 3]);
  });

  it("sampleWithoutReplacement (core/src/random/shuffle.ts)", async () => {
    same(sampleWithoutReplacement(randomStream(rootKey(1)), 100, 3), [37, 40, 0]);
  });

  it("randomStream (core/src/random/stream.ts)", async () => {
    const stream = randomStream(deriveKey(rootKey(1), "example"));
    same(stream.below(10), 8);
    same(stream.below(10), 8);
  });

  it("threefry2x32 (core/src/random/threefry.ts)", async () => {
    same(threefry2x32([0, 0], [0, 0]), [1797259609, 2579123966]);
  });

  it("references (core/src/references.ts)", async () => {
    same(Object.keys(references).length > 3, true);
  });

  it("memoryBlobStore (core/src/round/blob-store.ts)", async () => {
    const blobs = memoryBlobStore();
    await blobs.put("checkpoints/1", Uint8Array.of(1, 2));
    same(await blobs.list("checkpoints/"), ["checkpoints/1"]);
    same(await blobs.get("absent"), undefined);
  });

  it("requirePrefix (core/src/round/blob-store.ts)", async () => {
    requirePrefix("checkpoints/"); // throws blob/name for "../"
  });

  it("requireBlobName (core/src/round/blob-store.ts)", async () => {
    requireBlobName("checkpoints/round-1"); // throws blob/name for "../elsewhere"
  });

  it("BEST_CHECKPOINT (core/src/round/checkpoint-store.ts)", async () => {
    same(BEST_CHECKPOINT, "checkpoints/best.safetensors");
  });

  it("checkpointName (core/src/round/checkpoint-store.ts)", async () => {
    same(checkpointName(12), "checkpoints/round-00000012.safetensors");
  });

  it("newestCheckpoint (core/src/round/checkpoint-store.ts)", async () => {
    same(await newestCheckpoint(memoryBlobStore()), undefined);
  });

  it("stopsForTrouble (core/src/round/divergence.ts)", async () => {
    same(stopsForTrouble(undefined), false);
  });

  it("failsForTrouble (core/src/round/divergence.ts)", async () => {
    same(failsForTrouble(undefined, 3), false);
  });

  it("isAway (core/src/round/divergence.ts)", async () => {
    same(isAway("client/absent"), true);
  });

  it("firstSentence (core/src/round/divergence.ts)", async () => {
    same(firstSentence("the data are missing; received nothing. Download them."), "the data are missing");
  });

  it("EVENT_VERSION (core/src/round/events.ts)", async () => {
    same(EVENT_VERSION, 1);
  });

  it("runEventSchemas (core/src/round/events.ts)", async () => {
    same(runEventSchemas.map((schema) => schema.shape.type.value).includes("evaluation"), true);
  });

  it("stampEvent (core/src/round/events.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(event.at, "1970-01-01T00:00:00.000Z");
  });

  it("renderEvent (core/src/round/events.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(renderEvent(event).startsWith('{"v":1,"type":"run.warning"'), true);
  });

  it("readEventLeniently (core/src/round/lenient-events.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(readEventLeniently(event)!.type, "run.warning");
    same(readEventLeniently({ type: "of a later version" }), undefined);
  });

  it("memoryClientStates (core/src/round/memory-client-states.ts)", async () => {
    const states = memoryClientStates();
    same(typeof states.save, "function");
  });

  it("parseEvent (core/src/round/parse-event.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(parseEvent(renderEvent(event)).type, "run.warning");
  });

  it("hasPersonalModels (core/src/round/personal-models.ts)", async () => {
    same(hasPersonalModels({ algorithm: ditto() }), true);
  });

  it("personalModel (core/src/round/personal-models.ts)", async () => {
    const run = { algorithm: ditto(), layout: layout([{ name: "x", shape: [1], role: "vector", block: "x" }]) };
    const [global, own] = [Float32Array.of(1), Float32Array.of(2)];
    same(personalModel(run, global, { model: own, visits: Float32Array.of(1) }), [2]);
  });

  it("foldEvents (core/src/round/run-history.ts)", async () => {
    same(foldEvents([]).rounds, []);
  });

  it("byRound (core/src/round/run-history.ts)", async () => {
    same(byRound(new Map([[2, "b"], [1, "a"]])), ["a", "b"]);
  });

  it("runStatuses (core/src/round/run-status.ts)", async () => {
    same(runStatuses, ["running", "finished", "stopped", "interrupted", "diverged", "failed", "unreadable"]);
  });

  it("statusAfter (core/src/round/run-status.ts)", async () => {
    same(statusAfter("running", { type: "run.stopped", reason: "diverged" }), "diverged");
  });

  it("sentBytes (core/src/round/sent-bytes.ts)", async () => {
    same(sentBytes({}, { round: 1, vectors: {}, scalars: {} }, 200, undefined), 200);
  });

  it("servedModel (core/src/round/served-model.ts)", async () => {
    const model = layout([{ name: "x", shape: [1], role: "vector", block: "x" }]);
    same(servedModel({ algorithm: fedavg(), layout: model }, Float32Array.of(1)), [1]);
  });

  it("spentBy (core/src/round/spent.ts)", async () => {
    same(spentBy({ start: undefined, rounds: [] }), undefined);
  });

  it("spentText (core/src/round/spent.ts)", async () => {
    same(spentText({ start: undefined, rounds: [] }), "");
  });

  it("scopeText (core/src/round/spent.ts)", async () => {
    same(scopeText({ covered: false }), "; not covered: the data of its initial weights");
  });

  it("testNote (core/src/round/spent.ts)", async () => {
    same(testNote({ start: undefined }), "");
  });

  it("formatEpsilon (core/src/round/spent.ts)", async () => {
    same(formatEpsilon(7.9461), "7.947");
    same(formatEpsilon(null), "none");
  });

  it("wholeModel (core/src/round/whole-model.ts)", async () => {
    same(wholeModel({}, Float32Array.of(1, 2)), [1, 2]);
  });

  it("keepsParameters (core/src/round/whole-model.ts)", async () => {
    same(keepsParameters({}), false);
  });

  it("dealParts (core/src/selection/deal-parts.ts)", async () => {
    same(dealParts(2, [4, 7, 9, 11], rootKey(1)).length, 4);
  });

  it("drawWeighted (core/src/selection/draw-weighted.ts)", async () => {
    same(drawWeighted([1, 0, 5, 2], 2, rootKey(1)).length, 2);
  });

  it("uniformSampler (core/src/selection/sampler.ts)", async () => {
    const sampler = uniformSampler(100, 3);
    same(sampler.sample(1, (round) => deriveKey(rootKey(1), "cohort", round)), [12, 62, 72]);
  });

  it("poissonSampler (core/src/selection/sampler.ts)", async () => {
    const sampler = poissonSampler(100, 3); // cohorts vary in size around 3
    same(sampler.sample(1, (round) => deriveKey(rootKey(1), "cohort", round)).length < 20, true);
  });

  it("allocationSampler (core/src/selection/sampler.ts)", async () => {
    const sampler = allocationSampler(6, 2); // each client once in every 2 rounds
    const keyOf = (round: number) => deriveKey(rootKey(1), "cohort", round);
    same([...sampler.sample(1, keyOf), ...sampler.sample(2, keyOf)].sort(), [0, 1, 2, 3, 4, 5]);
  });

  it("scriptedSampler (core/src/selection/sampler.ts)", async () => {
    same(scriptedSampler([[0, 1], [2, 3]]).sample(3, () => rootKey(1)), [0, 1]);
  });

  it("openAdapter (core/src/simulation/adapter.ts)", async () => {
    same(typeof openAdapter, "function");
  });

  it("areaUnderCurve (core/src/simulation/class-metrics.ts)", async () => {
    same(areaUnderCurve([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0]), 1);
  });

  it("f1ByClass (core/src/simulation/judge.ts)", async () => {
    same([...f1ByClass([0, 0, 1], [0, 1, 1])], [[0, 2 / 3], [1, 2 / 3]]);
  });

  it("predictTest (core/src/simulation/predictions.ts)", async () => {
    const part = (firstIndex: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 6, firstIndex });
    const config = resolveConfig({
      data: { clients: 2, partition: { scheme: "iid" } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
    });
    const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
    const run = prepareRun(config, { train: part(0), test: part(6) }, identity, 0, "example");
    same((await predictTest(run, run.plan.initial, interpreter()))?.classes.length, 6);
  });

  it("traceFederation (core/src/simulation/trace-federation.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
    same((await traceFederation(fedavg(), problem)).rounds, [[1], [1.5]]);
  });

  it("traceProblem (core/src/simulation/trace-quadratics.ts)", async () => {
    same(traceProblem.safeParse({ algorithm: { name: "fedavg" } }).success, false);
  });

  it("traceQuadratics (core/src/simulation/trace-quadratics.ts)", async () => {
    const { rounds } = await traceQuadratics({
      algorithm: { name: "fedavg" },
      a: [[1], [1]], // curvatures of two clients
      b: [[0], [2]], // minima
      x0: [0],
      learningRate: 0.5,
      localSteps: 1,
      cohorts: [[0, 1], [0, 1]],
    });
    same(rounds, [[0.5], [0.75]]);
  });

  it("chainOf (core/src/submodels/chain.ts)", async () => {
    const chain = chainOf(layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters));
    same(typeof chain === "string" ? chain : chain.map(({ weight }) => weight.name), ["dense1.weight", "dense2.weight"]);
  });

  it("shrunkShape (core/src/submodels/convolved-weights.ts)", async () => {
    same(shrunkShape([32, 16, 3, 3], 0.75), [24, 12, 3, 3]);
  });

  it("leakyScale (core/src/submodels/convolved-weights.ts)", async () => {
    same(evaluate(leakyScale(constant([2, -2]))).data, [1.7, -0.002]);
  });

  it("quantile (core/src/submodels/exploration-mask.ts)", async () => {
    same(quantile([3, 1, 2], 0.25), 1.5);
  });

  it("explorationMask (core/src/submodels/exploration-mask.ts)", async () => {
    same(explorationMask([0.1, 0.9, 0.5, 0.7], 0.5).mask, [0, 1, 0, 1]);
  });

  it("denseWeights (core/src/submodels/kept-weights.ts)", async () => {
    const model = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
    same(denseWeights(model).map(({ shape }) => shape), [[4, 8], [8, 2]]);
  });

  it("rankTiers (core/src/submodels/rank-tiers.ts)", async () => {
    const model = withAdapters(logistic({ input: [2], classes: 2 }), { rank: 2 });
    const sent = subLayout(layout(model.parameters), ({ name }) => name.includes("lora")); // A [2, 2], B [2, 2]
    const { parts, places } = rankTiers(model, { shared: sent, sent }, [{ rank: 2 }, { rank: 1 }]);
    same(parts.map((part) => part.layout.size), [8, 4]);
    same(places(1, 1), [0, 2, 4, 5]);
  });

  it("synapticFlow (core/src/submodels/sign-network.ts)", async () => {
    same(synapticFlow([constant([1, 2], [1, 2])]).map((flow) => [...evaluate(flow).data]), [[1, 2]]);
  });

  it("keptEntries (core/src/submodels/sign-network.ts)", async () => {
    same(keptEntries([0.3, 0.9, 0.1, 0.5], 0.5), [0, 1, 0, 1]);
  });

  it("signs (core/src/submodels/sign-network.ts)", async () => {
    same(evaluate(signs(constant([-2, 0, 0.5]))).data, [-1, 1, 1]);
  });

  it("signedWeights (core/src/submodels/sign-network.ts)", async () => {
    const [frozen, kept, scores] = [[0.5, 0.2], [1, 0], [-3, 1]].map((values) => constant(values));
    same(evaluate(signedWeights(frozen!, kept!, scores!)).data, [-0.5, 0]);
  });

  it("scoreGradient (core/src/submodels/sign-network.ts)", async () => {
    const [gradient, frozen, kept] = [[2, 3], [0.5, 1], [1, 0]].map((values) => constant(values));
    same(evaluate(scoreGradient(gradient!, frozen!, kept!)).data, [1, 0]);
  });

  it("signVote (core/src/submodels/sign-network.ts)", async () => {
    same(signVote([[1, -2], [3, 4]], [0.25, 0.75], [1, 1]), [1, 0.5]);
  });

  it("signBytes (core/src/submodels/sign-network.ts)", async () => {
    same(signBytes([1, 0, 1, 1]), 1);
  });

  it("heldUnits (core/src/submodels/slices.ts)", async () => {
    same(heldUnits(4, 0.5), [0, 1]);
    same(heldUnits(4, 0.5, 3), [3, 0]);
  });

  it("heldEntries (core/src/submodels/slices.ts)", async () => {
    same(heldEntries({ shape: [2, 4], axes: [1] }, 0.5), [0, 1, 4, 5]);
  });

  it("averageSubModels (core/src/submodels/slices.ts)", async () => {
    const parts = [{ places: [0], values: [3] }, { places: [0, 1], values: [5, 1] }];
    same(Array.from(averageSubModels(Float64Array.of(0, 0, 9), parts)), [4, 1, 9]);
  });

  it("subModels (core/src/submodels/sub-models.ts)", async () => {
    const model = mlp({ input: [2], hidden: [4], classes: 2 }); // dense1.bias [4], dense1.weight [2, 4], dense2 ...
    const { parts, places } = subModels(model, layout(model.parameters), { ratios: [1, 0.5], rolls: true });
    same(parts.map((part) => part.layout.size), [22, 12]);
    same(places(1, 4).subarray(0, 2), [3, 0]);
  });

  it("unitAxes (core/src/submodels/unit-axes.ts)", async () => {
    const model = mlp({ input: [4], hidden: [8], classes: 2 });
    same(unitAxes(model, layout(model.parameters))["dense2.weight"], [{ axis: 0, units: 8, each: 1 }]);
  });

  it("withoutUnits (core/src/submodels/unit-mask.ts)", async () => {
    const model = layout(mlp({ input: [1], hidden: [2], classes: 1 }).parameters);
    // dense1.bias [2], dense1.weight [1, 2], dense2.bias [1], dense2.weight [2, 1]
    same(withoutUnits(Uint8Array.of(1, 1, 0, 1, 1, 1, 1), model, 1), [0, 1, 0, 1, 1, 0, 1]);
  });

  it("nearest (core/src/text/nearest.ts)", async () => {
    same(nearest("fedvag", ["fedavg", "scaffold"]), "fedavg");
  });

  it("editDistance (core/src/text/nearest.ts)", async () => {
    same(editDistance("fedvag", "fedavg"), 1);
  });

  it("printable (core/src/text/printable.ts)", async () => {
    same(printable("a\u0007b"), "a␇b");
  });

  it("jsonText (core/src/text/printable.ts)", async () => {
    same(jsonText({ a: [1, Number.NaN] }), "{\"a\":[1,null]}");
  });

  it("graphOf (core/src/topology/graph.ts)", async () => {
    const ring = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]);
    same(mixingRows(ring, "metropolis").length, 4);
  });

  it("VERSION (core/src/version.ts)", async () => {
    same(VERSION.split(".").length, 3);
  });
});
