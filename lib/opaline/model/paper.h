#pragma once

#include "opaline/model/grey_field.h"

namespace opaline {

/// How far each pixel stands out from the paper, ink > 0: the picture without its paper, whose brightness is
/// taken for a quadratic function of the place. The paper is the larger part of the picture; ink is what is
/// farther from it, be it darker or lighter. Where ink is darker, differences are in proportion to the light
/// that falls there.
GreyField without_paper(const GreyField& picture);

}  // namespace opaline
